//! The health of a node: a state machine over the outcomes of probes and requests.

use crate::word::words;

words! {
    /// The health of a node.
    pub enum NodeStatus("node status", "statuses") {
        /// It has not responded yet since this instance started: it gets neither reads nor writes.
        Unknown = "unknown",
        /// It responds as it should.
        Healthy = "healthy",
        /// It failed lately, or is recovering: it is used only where no healthier node can be.
        Degraded = "degraded",
        /// It gets neither reads nor writes until it has recovered.
        Failed = "failed",
    }
}

impl NodeStatus {
    /// Returns whether the node gets reads and writes.
    pub fn is_usable(self) -> bool {
        matches!(self, Self::Healthy | Self::Degraded)
    }
}

/// The numbers of outcomes in a row that change a node's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthThresholds {
    /// Failures in a row that make a node failed (3).
    pub bad_to_fail: u32,
    /// Successes in a row that make it healthy again (2).
    pub good_to_recover: u32,
}

impl Default for HealthThresholds {
    fn default() -> Self {
        Self { bad_to_fail: 3, good_to_recover: 2 }
    }
}

/// The health record of one node. It starts unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeHealth {
    status: NodeStatus,
    bad_in_a_row: u32,
    good_in_a_row: u32,
}

impl Default for NodeHealth {
    fn default() -> Self {
        Self { status: NodeStatus::Unknown, bad_in_a_row: 0, good_in_a_row: 0 }
    }
}

/// The record of a healthy node. It has nothing to count, so the records of two healthy nodes are equal.
const HEALTHY: NodeHealth = NodeHealth { status: NodeStatus::Healthy, bad_in_a_row: 0, good_in_a_row: 0 };

impl NodeHealth {
    /// Returns the present status.
    pub fn status(self) -> NodeStatus {
        self.status
    }

    /// Returns the record after one more outcome of a probe or request. An unknown node becomes healthy
    /// with the first success. A healthy node becomes degraded with the first failure, and any node failed
    /// with `bad_to_fail` in a row. A degraded or failed node becomes healthy with `good_to_recover`
    /// successes in a row; a failed node stays failed until then.
    #[must_use]
    pub fn observe(self, good: bool, thresholds: HealthThresholds) -> Self {
        if good {
            self.observe_good(thresholds.good_to_recover)
        } else {
            self.observe_bad(thresholds.bad_to_fail)
        }
    }

    fn observe_good(self, good_to_recover: u32) -> Self {
        let good_in_a_row = self.good_in_a_row.saturating_add(1);
        let is_enough = matches!(self.status, NodeStatus::Unknown | NodeStatus::Healthy)
            || good_in_a_row >= good_to_recover;
        if is_enough {
            return HEALTHY;
        }
        Self { bad_in_a_row: 0, good_in_a_row, ..self }
    }

    fn observe_bad(self, bad_to_fail: u32) -> Self {
        let bad_in_a_row = self.bad_in_a_row.saturating_add(1);
        let status = match self.status {
            NodeStatus::Failed => NodeStatus::Failed,
            _ if bad_in_a_row >= bad_to_fail => NodeStatus::Failed,
            NodeStatus::Unknown => NodeStatus::Unknown,
            NodeStatus::Healthy | NodeStatus::Degraded => NodeStatus::Degraded,
        };
        Self { status, bad_in_a_row, good_in_a_row: 0 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn after(outcomes: &str, thresholds: HealthThresholds) -> NodeStatus {
        outcomes
            .chars()
            .fold(NodeHealth::default(), |health, outcome| health.observe(outcome == '+', thresholds))
            .status()
    }

    #[test]
    fn observe_walks_through_the_states() {
        let cases = [
            ("", NodeStatus::Unknown),
            ("-", NodeStatus::Unknown),
            ("--", NodeStatus::Unknown),
            ("--+", NodeStatus::Healthy),
            ("+", NodeStatus::Healthy),
            ("+++", NodeStatus::Healthy),
            ("+-", NodeStatus::Degraded),
            ("+--", NodeStatus::Degraded),
            ("+--+--", NodeStatus::Degraded),
            ("+-+", NodeStatus::Degraded),
            ("+-+-+-+-+", NodeStatus::Degraded),
            ("+-++", NodeStatus::Healthy),
            ("+---", NodeStatus::Failed),
            ("---", NodeStatus::Failed),
            ("---+", NodeStatus::Failed),
            ("---+-+-+", NodeStatus::Failed),
            ("---++", NodeStatus::Healthy),
            ("---++-", NodeStatus::Degraded),
        ];
        for (outcomes, status) in cases {
            assert_eq!(after(outcomes, HealthThresholds::default()), status, "after {outcomes:?}");
        }
    }

    #[test]
    fn observe_fails_at_the_first_failure_if_the_threshold_is_one() {
        let strict = HealthThresholds { bad_to_fail: 1, good_to_recover: 1 };
        assert_eq!(after("-", strict), NodeStatus::Failed);
        assert_eq!(after("-+", strict), NodeStatus::Healthy);
    }

    #[test]
    fn only_healthy_and_degraded_nodes_are_usable() {
        let usable = NodeStatus::ALL.into_iter().filter(|status| status.is_usable());
        assert_eq!(usable.collect::<Vec<_>>(), [NodeStatus::Healthy, NodeStatus::Degraded]);
    }

    proptest! {
        /// Only the last outcomes decide: enough failures fail any node, enough successes make any node
        /// healthy.
        #[test]
        fn observe_follows_the_last_outcomes(
            history in proptest::collection::vec(any::<bool>(), 0..40),
            bad_to_fail in 1_u32..6,
            good_to_recover in 1_u32..6,
        ) {
            let thresholds = HealthThresholds { bad_to_fail, good_to_recover };
            let before = history.iter().fold(NodeHealth::default(), |health, good| health.observe(*good, thresholds));
            let failed = (0..bad_to_fail).fold(before, |health, _| health.observe(false, thresholds));
            prop_assert_eq!(failed.status(), NodeStatus::Failed);
            let nearly = (1..good_to_recover).fold(failed, |health, _| health.observe(true, thresholds));
            prop_assert_eq!(nearly.status(), NodeStatus::Failed);
            prop_assert_eq!(nearly.observe(true, thresholds), HEALTHY);
        }
    }
}
