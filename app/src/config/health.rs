//! Settings of the health of nodes, and the timeouts of requests to them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bound::MAX_DURATION_MS;

/// Health checks of nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HealthConfig {
    /// Interval between two probes of a node.
    #[schemars(range(min = 1, max = MAX_DURATION_MS))]
    pub probe_interval_ms: u64,
    /// Maximum time of a probe. After it, the probe counts as bad.
    #[schemars(range(min = 1, max = MAX_DURATION_MS))]
    pub probe_timeout_ms: u64,
    /// Number of consecutive bad outcomes of probes or requests after which a node is failed.
    #[schemars(range(min = 1))]
    pub bad_to_fail: u32,
    /// Number of consecutive good outcomes after which it is healthy again.
    #[schemars(range(min = 1))]
    pub good_to_recover: u32,
}

impl Default for HealthConfig {
    fn default() -> Self {
        Self { probe_interval_ms: 5_000, probe_timeout_ms: 2_000, bad_to_fail: 3, good_to_recover: 2 }
    }
}

/// Timeouts of requests to nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TimeoutConfig {
    /// Timeout to connect.
    #[schemars(range(min = 1, max = MAX_DURATION_MS))]
    pub connect_ms: u64,
    /// Timeout of a write.
    #[schemars(range(min = 1, max = MAX_DURATION_MS))]
    pub write_ms: u64,
    /// Timeout of a read other than a search.
    #[schemars(range(min = 1, max = MAX_DURATION_MS))]
    pub read_ms: u64,
    /// Timeout of a search.
    #[schemars(range(min = 1, max = MAX_DURATION_MS))]
    pub search_ms: u64,
}

impl Default for TimeoutConfig {
    fn default() -> Self {
        Self { connect_ms: 1_000, write_ms: 30_000, read_ms: 10_000, search_ms: 10_000 }
    }
}
