//! The outcomes of one write on its nodes, and their meaning for its task and its client.

use std::collections::BTreeMap;

use super::Event;
use crate::NodeId;
use crate::error::ResponseError;
use crate::quorum::WriteVerdict;

/// The outcome of a write on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeOutcome {
    /// The node accepted the write under this uid.
    Accepted(u32),
    /// The node certainly did not take the write.
    Missed {
        /// The reason.
        error: ResponseError,
        /// The HTTP status with which the node refused the write, if it was reached.
        refusal: Option<u16>,
        /// True if the node took no earlier request of the write either.
        untouched: bool,
    },
    /// The node gave no usable response: it may have taken the write.
    Unknown,
}

/// The outcomes of one write so far. Nodes that have not responded yet are absent.
#[derive(Debug, Clone)]
pub struct WriteOutcomes {
    /// The number of nodes that the write is sent to.
    targets: usize,
    by_node: BTreeMap<NodeId, NodeOutcome>,
}

impl WriteOutcomes {
    /// Creates the outcomes of a write to so many nodes, none of which has responded yet.
    pub fn new(targets: usize) -> Self {
        Self { targets, by_node: BTreeMap::new() }
    }

    /// Adds the outcome on `node`, one of the targets.
    pub fn insert(&mut self, node: NodeId, outcome: NodeOutcome) {
        self.by_node.insert(node, outcome);
    }

    /// Returns whether `node` accepted the write.
    pub fn has_accepted(&self, node: &NodeId) -> bool {
        matches!(self.by_node.get(node), Some(NodeOutcome::Accepted(_)))
    }

    /// Returns the nodes that accepted the write, by name.
    pub fn accepted(&self) -> impl Iterator<Item = &NodeId> {
        self.by_node.keys().filter(|node| self.has_accepted(node))
    }

    /// Returns whether `node` has the write, or may have it. A node that has not responded may have it.
    pub fn may_have(&self, node: &NodeId) -> bool {
        !matches!(self.by_node.get(node), Some(NodeOutcome::Missed { .. }))
    }

    /// Returns whether certainly no node took any request of the write.
    pub fn is_untouched(&self) -> bool {
        self.is_complete()
            && self
                .by_node
                .values()
                .all(|outcome| matches!(outcome, NodeOutcome::Missed { untouched: true, .. }))
    }

    /// Returns the status and error of the nodes' refusal if every node refused the write: then the request
    /// is at fault, and the client gets the refusal.
    ///
    /// Nodes that were not reached at all do not prevent this if the others say that the request is at fault
    /// (4xx).
    pub fn agreed_refusal(&self) -> Option<(u16, ResponseError)> {
        if !self.is_complete() {
            return None;
        }
        let mut agreed = None;
        let mut all_reached = true;
        for outcome in self.by_node.values() {
            match outcome {
                NodeOutcome::Missed { error, refusal: Some(status), .. } => {
                    agreed.get_or_insert_with(|| (*status, error.clone()));
                }
                NodeOutcome::Missed { refusal: None, untouched: true, .. } => all_reached = false,
                _ => return None,
            }
        }
        agreed.filter(|(status, _)| all_reached || (400..500).contains(status))
    }

    /// Returns the events that the outcomes are for the task of the write. `verdict` judges the nodes that
    /// accepted it; it becomes an event once every outcome is certain.
    pub fn events(&self, verdict: &WriteVerdict) -> Vec<Event> {
        let mut events = Vec::new();
        let mut certain = self.is_complete();
        for (node, outcome) in &self.by_node {
            match outcome {
                NodeOutcome::Accepted(uid) => {
                    events.push(Event::NodeAccepted { node: node.clone(), uid: *uid });
                }
                NodeOutcome::Missed { error, .. } => {
                    events.push(Event::NodeMissed { node: node.clone(), error: error.clone() });
                }
                NodeOutcome::Unknown => certain = false,
            }
        }
        if let Some((_, error)) = self.agreed_refusal() {
            events.push(Event::Refused { error });
        } else if certain {
            events.push(Event::Dispatched { verdict: verdict.clone() });
        }
        events
    }

    /// Returns whether every node has responded, or has failed to.
    fn is_complete(&self) -> bool {
        self.by_node.len() == self.targets
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::node;
    use super::*;
    use crate::ShardSet;
    use crate::error::ErrorCode;

    fn refused(status: u16) -> NodeOutcome {
        let error = ErrorCode::BadRequest.with_message(format!("status {status}"));
        NodeOutcome::Missed { error, refusal: Some(status), untouched: true }
    }

    fn unreachable(untouched: bool) -> NodeOutcome {
        let error = ErrorCode::MiroirNodeUnavailable.with_message("connection refused");
        NodeOutcome::Missed { error, refusal: None, untouched }
    }

    /// A write to `targets` nodes, with the outcomes of `a`, `b` and so on.
    fn outcomes(targets: usize, known: &[NodeOutcome]) -> WriteOutcomes {
        let mut outcomes = WriteOutcomes::new(targets);
        for (name, outcome) in ["a", "b", "c"].into_iter().zip(known) {
            outcomes.insert(node(name), outcome.clone());
        }
        outcomes
    }

    fn agreed(targets: usize, known: &[NodeOutcome]) -> Option<u16> {
        outcomes(targets, known).agreed_refusal().map(|(status, _)| status)
    }

    #[test]
    fn agreed_refusal_needs_the_refusal_of_every_node() {
        assert_eq!(agreed(2, &[refused(400), refused(413)]), Some(400));
        assert_eq!(agreed(2, &[refused(400)]), None);
        assert_eq!(agreed(2, &[refused(400), NodeOutcome::Accepted(1)]), None);
        assert_eq!(agreed(2, &[refused(400), NodeOutcome::Unknown]), None);
        assert_eq!(agreed(2, &[unreachable(true), unreachable(true)]), None);
    }

    #[test]
    fn agreed_refusal_passes_over_unreachable_nodes_only_where_the_request_is_at_fault() {
        assert_eq!(agreed(2, &[unreachable(true), refused(404)]), Some(404));
        assert_eq!(agreed(2, &[unreachable(true), refused(507)]), None);
        assert_eq!(agreed(2, &[refused(507), refused(507)]), Some(507));
        assert_eq!(agreed(2, &[unreachable(false), refused(404)]), None);
    }

    #[test]
    fn is_untouched_needs_certainty_of_every_node() {
        assert!(outcomes(2, &[unreachable(true), refused(400)]).is_untouched());
        assert!(!outcomes(3, &[unreachable(true), refused(400)]).is_untouched());
        for touched in [unreachable(false), NodeOutcome::Unknown, NodeOutcome::Accepted(1)] {
            assert!(!outcomes(2, &[refused(400), touched]).is_untouched());
        }
    }

    #[test]
    fn nodes_without_a_response_may_have_the_write() {
        let outcomes = outcomes(4, &[NodeOutcome::Accepted(1), NodeOutcome::Unknown, refused(400)]);
        assert_eq!(
            ["a", "b", "c", "d"].map(|name| outcomes.may_have(&node(name))),
            [true, true, false, true]
        );
        assert_eq!(
            ["a", "b", "c", "d"].map(|name| outcomes.has_accepted(&node(name))),
            [true, false, false, false]
        );
        assert_eq!(outcomes.accepted().collect::<Vec<_>>(), [&node("a")]);
    }

    #[test]
    fn events_end_with_the_verdict_once_every_outcome_is_certain() {
        let verdict = WriteVerdict { unwritten: ShardSet::all(2), degraded: None };
        let dispatched = Event::Dispatched { verdict: verdict.clone() };
        let accepted = || Event::NodeAccepted { node: node("a"), uid: 5 };
        let known = [NodeOutcome::Accepted(5), unreachable(true)];
        let error = ErrorCode::MiroirNodeUnavailable.with_message("connection refused");
        let missed = || Event::NodeMissed { node: node("b"), error: error.clone() };
        assert_eq!(outcomes(2, &known).events(&verdict), [accepted(), missed(), dispatched]);
        assert_eq!(outcomes(3, &known).events(&verdict), [accepted(), missed()]);
        let uncertain = [NodeOutcome::Accepted(5), NodeOutcome::Unknown];
        assert_eq!(outcomes(2, &uncertain).events(&verdict), [accepted()]);
    }

    #[test]
    fn events_end_with_the_refusal_that_all_nodes_agree_on() {
        let verdict = WriteVerdict { unwritten: ShardSet::all(1), degraded: None };
        let events = outcomes(1, &[refused(413)]).events(&verdict);
        let error = ErrorCode::BadRequest.with_message("status 413");
        let missed = Event::NodeMissed { node: node("a"), error: error.clone() };
        assert_eq!(events, [missed, Event::Refused { error }]);
    }
}
