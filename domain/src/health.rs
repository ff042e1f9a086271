//! When a node is trusted: a state machine over the outcomes of probes and requests.

use serde::{Deserialize, Serialize};

/// How far a node is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeStatus {
    /// Answers as it should.
    Healthy,
    /// Answered badly of late, or is on its way back: used when no healthier node can.
    Degraded,
    /// Gets no reads until it has recovered.
    Failed,
}

/// How many outcomes in a row change a node's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthThresholds {
    /// Bad outcomes in a row that make a node failed (3).
    pub bad_to_fail: u32,
    /// Good outcomes in a row that make it healthy again (2).
    pub good_to_recover: u32,
}

impl Default for HealthThresholds {
    fn default() -> Self {
        Self { bad_to_fail: 3, good_to_recover: 2 }
    }
}

/// One node's record. Starts healthy: a cluster that just started must serve before the first probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeHealth {
    status: NodeStatus,
    bad_in_a_row: u32,
    good_in_a_row: u32,
}

impl Default for NodeHealth {
    fn default() -> Self {
        Self { status: NodeStatus::Healthy, bad_in_a_row: 0, good_in_a_row: 0 }
    }
}

impl NodeHealth {
    /// The present status.
    pub fn status(self) -> NodeStatus {
        self.status
    }

    /// The record after one more outcome of a probe or request. Healthy becomes degraded with the first bad outcome
    /// and failed with `bad_to_fail` in a row; either becomes healthy with `good_to_recover` good ones in a row. A
    /// failed node stays failed until then.
    #[must_use]
    pub fn observe(self, good: bool, thresholds: HealthThresholds) -> Self {
        let _ = (good, thresholds);
        unimplemented!()
    }
}
