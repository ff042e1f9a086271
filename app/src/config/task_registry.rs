//! Settings of tasks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bound::MAX_DURATION_MS;

/// Polling and retention of tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TaskRegistryConfig {
    /// Retention of finished tasks (7 days).
    #[schemars(range(min = 1, max = MAX_DURATION_MS))]
    pub ttl_ms: u64,
    /// Minimum pause between two polls of the unfinished tasks of a node.
    #[schemars(range(min = 1, max = MAX_DURATION_MS))]
    pub poll_min_ms: u64,
    /// Maximum pause. The pause grows towards it while nothing changes.
    #[schemars(range(min = 1, max = MAX_DURATION_MS))]
    pub poll_max_ms: u64,
    /// Interval between two removals of finished tasks that are older than `ttl_ms`.
    #[schemars(range(min = 1, max = MAX_DURATION_MS))]
    pub prune_interval_ms: u64,
}

impl Default for TaskRegistryConfig {
    fn default() -> Self {
        Self {
            ttl_ms: 7 * 24 * 60 * 60 * 1_000,
            poll_min_ms: 25,
            poll_max_ms: 1_000,
            prune_interval_ms: 60 * 60 * 1_000,
        }
    }
}
