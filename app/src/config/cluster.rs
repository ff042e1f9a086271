//! Settings of the distribution of documents.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Distribution of documents over the nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterConfig {
    /// Number of shards of new indexes. An existing index keeps its number of shards.
    #[schemars(range(min = 1, max = 4096))]
    pub shard_count: u32,
    /// Copies of each shard in one replica group. Every group needs at least this many nodes.
    #[schemars(range(min = 1, max = 64))]
    pub replication_factor: u32,
    /// Number of nodes of one group that must acknowledge a write to a shard. Default: a majority of the
    /// copies, `replication_factor / 2 + 1`, rounded down.
    #[schemars(range(min = 1, max = 64))]
    pub write_quorum: Option<u32>,
    /// Result of a read if no replica in sync can serve some shard.
    pub search_policy: SearchPolicy,
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self {
            shard_count: 64,
            replication_factor: 1,
            write_quorum: None,
            search_policy: SearchPolicy::Partial,
        }
    }
}

/// Result of a read if no replica in sync can serve some shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SearchPolicy {
    /// Results of the other shards, and of replicas that missed writes, with the header `X-Miroir-Degraded`.
    Partial,
    /// 503 `miroir_shard_unavailable`.
    Error,
}
