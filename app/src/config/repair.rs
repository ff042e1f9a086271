//! Settings of repair.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Repair of replicas that are not in sync. See replicas.md.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RepairConfig {
    /// Maximum number of replicas (each of one index on one node) that are repaired at the same time.
    #[schemars(range(min = 1, max = 64))]
    pub concurrency: usize,
    /// Maximum number of documents that all repairs together read from other replicas in a second. 0 is
    /// without a limit.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub max_documents_per_second: u64,
}

impl Default for RepairConfig {
    fn default() -> Self {
        Self { concurrency: 2, max_documents_per_second: 10_000 }
    }
}
