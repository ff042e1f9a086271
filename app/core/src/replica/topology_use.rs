//! The use of a topology after the store has accepted another one.

use std::time::Duration;

use miroir_domain::error::ErrorCode;
use miroir_domain::identity::{AcceptedTopology, ClusterRow, OwnTopology};
use miroir_ports::inbound::ApiError;
use parking_lot::RwLock;
use tokio::time::Instant;

/// The reason of an instance whose configuration has a former topology.
pub const SUPERSEDED: &str = "another topology was accepted than that of the configuration of this instance: start it \
                              again with the new configuration";

/// The topology of this instance, and whether reads may still rely on it.
///
/// An instance whose topology is not the accepted one any more serves reads until it is started again. Nodes
/// may have documents of more shards than it knows. The leader removes none of those that it may read, as
/// long as its lease of the topology runs, which is longer than it may read without the store. After a longer
/// time without the store it may have been given up, and reads end.
#[derive(Debug, Default)]
pub struct TopologyUse {
    /// The topology of the configuration. Without nodes, nothing is compared.
    own: AcceptedTopology,
    /// The longest time without the store after which an instance is not given up.
    longest_gap: Duration,
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The begin of the newest reading of the store.
    read_at: Option<Instant>,
    standing: Standing,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Standing {
    #[default]
    Accepted,
    /// Another one was accepted.
    Former,
    /// Another one was accepted, and the instance may have been given up.
    GivenUp,
}

impl TopologyUse {
    /// Creates the use of `own`, whose instance may have been given up after `longest_gap` without the store.
    pub fn new(own: AcceptedTopology, longest_gap: Duration) -> Self {
        Self { own, longest_gap, state: RwLock::default() }
    }

    /// Notes what a reading of the store that began at `read_at` has found.
    pub fn note(&self, row: Option<&ClusterRow>, read_at: Instant) {
        let is_former = OwnTopology::of(&self.own, row) == OwnTopology::Former;
        let mut state = self.state.write();
        // A reading that began earlier and ended later knows less.
        if state.read_at.is_some_and(|known| known > read_at) {
            return;
        }
        let gap = state.read_at.map(|before| read_at.saturating_duration_since(before));
        state.standing = match state.standing {
            _ if !is_former => Standing::Accepted,
            Standing::GivenUp => Standing::GivenUp,
            Standing::Accepted | Standing::Former if gap.is_some_and(|gap| gap > self.longest_gap) => {
                Standing::GivenUp
            }
            Standing::Accepted | Standing::Former => Standing::Former,
        };
        state.read_at = Some(read_at);
    }

    /// Returns whether nodes may have documents of more shards than this instance knows.
    pub fn is_former(&self) -> bool {
        self.state.read().standing != Standing::Accepted
    }

    /// Returns an error if reads may not rely on the topology.
    ///
    /// # Errors
    ///
    /// Refuses with 503 `miroir_store_unavailable` once the instance may have been given up.
    pub fn require(&self) -> Result<(), ApiError> {
        let state = self.state.read();
        let is_recent = state.read_at.is_none_or(|read_at| read_at.elapsed() <= self.longest_gap);
        let is_usable = match state.standing {
            Standing::Accepted => true,
            Standing::Former => is_recent,
            Standing::GivenUp => false,
        };
        if is_usable { Ok(()) } else { Err(ApiError::refused(ErrorCode::MiroirStoreUnavailable, SUPERSEDED)) }
    }
}

#[cfg(test)]
mod tests {
    use miroir_domain::GroupId;
    use miroir_domain::identity::AcceptedNode;

    use super::*;

    const GAP: Duration = Duration::from_secs(2);

    fn topology(nodes: &[&str]) -> AcceptedTopology {
        let node = |id: &&str| AcceptedNode {
            id: id.parse().unwrap(),
            url: format!("http://{id}"),
            group: GroupId(0),
        };
        AcceptedTopology::new(1, nodes.iter().map(node))
    }

    fn row(nodes: &[&str]) -> ClusterRow {
        ClusterRow { id: "c".parse().unwrap(), epoch: 1, topology: topology(nodes), version: 2 }
    }

    #[tokio::test(start_paused = true)]
    async fn former_topology_is_used_as_long_as_the_store_is_read() {
        let used = TopologyUse::new(topology(&["a"]), GAP);
        let look = |nodes: &[&str]| used.note(Some(&row(nodes)), Instant::now());
        look(&["a"]);
        tokio::time::advance(GAP * 5).await;
        assert!(!used.is_former() && used.require().is_ok(), "nothing was accepted since");
        look(&["a"]);
        let earlier = Instant::now();
        tokio::time::advance(GAP / 2).await;
        look(&["a", "b"]);
        used.note(Some(&row(&["a"])), earlier);
        assert!(used.is_former(), "a reading that began earlier knows less");
        for _ in 0..3 {
            tokio::time::advance(GAP).await;
            assert!(used.is_former() && used.require().is_ok());
            look(&["a", "b"]);
        }
        tokio::time::advance(GAP + Duration::from_millis(1)).await;
        assert!(used.require().is_err(), "the store was not read for too long");
        look(&["a", "b"]);
        assert!(used.require().is_err(), "and may have given the instance up in between");
        look(&["a"]);
        assert!(!used.is_former() && used.require().is_ok(), "the topology was accepted again");
    }

    /// As an instance that was paused while another topology was accepted.
    #[tokio::test(start_paused = true)]
    async fn instance_that_learns_too_late_of_another_topology_may_have_been_given_up() {
        let used = TopologyUse::new(topology(&["a"]), GAP);
        used.note(Some(&row(&["a"])), Instant::now());
        tokio::time::advance(GAP + Duration::from_millis(1)).await;
        used.note(Some(&row(&["a", "b"])), Instant::now());
        assert!(used.is_former() && used.require().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn topology_without_nodes_is_never_a_former_one() {
        let used = TopologyUse::default();
        used.note(Some(&row(&["a"])), Instant::now());
        used.note(None, Instant::now());
        assert!(!used.is_former() && used.require().is_ok());
    }
}
