//! The identity as the store has it, in memory.

use std::collections::BTreeMap;

use miroir_domain::NodeId;
use miroir_domain::identity::{
    AcceptedTopology, ClusterId, ClusterRow, NodeFacts, NodeRow, OwnTopology, Verdict, judge,
};
use parking_lot::RwLock;
use tokio::sync::watch;

/// The identity of the store, as this instance knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum StoreIdentity {
    /// The store has not been read yet, or has no identity yet.
    #[default]
    Unknown,
    /// The store of a Miroir before this one, which made no identity.
    Older,
    /// The store of this cluster.
    Known(ClusterRow),
    /// The store is not that of the cluster: it was emptied or exchanged. It is refused until it is back.
    Lost {
        /// The cluster to which the data on the nodes belongs.
        cluster: ClusterId,
    },
}

/// The identity of the cluster and of its nodes.
#[derive(Debug, Default)]
pub struct KnownIdentity {
    known: RwLock<Known>,
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Known {
    store: StoreIdentity,
    nodes: BTreeMap<NodeId, NodeRow>,
    /// The number of rows that this instance has stored and noted.
    noted: u64,
}

impl KnownIdentity {
    /// Returns the identity of the store.
    pub fn store(&self) -> StoreIdentity {
        self.known.read().store.clone()
    }

    /// Returns the row of the cluster, if it is known.
    pub fn cluster(&self) -> Option<ClusterRow> {
        match self.store() {
            StoreIdentity::Known(row) => Some(row),
            StoreIdentity::Unknown | StoreIdentity::Older | StoreIdentity::Lost { .. } => None,
        }
    }

    /// Compares the topology of this instance with the accepted one.
    pub fn compare_topology(&self, own: &AcceptedTopology) -> OwnTopology {
        OwnTopology::of(own, self.cluster().as_ref())
    }

    /// Returns the sentence that says why the store is refused, or `None` if it is not.
    pub fn store_problem(&self) -> Option<String> {
        let StoreIdentity::Lost { cluster } = &self.known.read().store else { return None };
        Some(format!(
            "the task store is not that of cluster {cluster}, to which the data on the nodes belongs: it was emptied or \
             exchanged. Nothing is read or written until the store is restored from a backup"
        ))
    }

    /// Returns the row of a node.
    pub fn node(&self, node: &NodeId) -> Option<NodeRow> {
        self.known.read().nodes.get(node).cloned()
    }

    /// Returns the rows of all nodes.
    pub fn nodes(&self) -> Vec<NodeRow> {
        self.known.read().nodes.values().cloned().collect()
    }

    /// Returns the verdict on a node after a check that was made for `row`, or `None` while the identity of
    /// the store is not known.
    pub fn judge(&self, node: &NodeId, row: Option<&NodeRow>, facts: &NodeFacts) -> Option<Verdict> {
        let known = self.known.read();
        let StoreIdentity::Known(cluster) = &known.store else { return None };
        Some(judge(node, &cluster.id, row, facts))
    }

    /// Replaces everything by what the store has.
    pub fn replace(&self, store: StoreIdentity, nodes: Vec<NodeRow>) {
        let nodes = nodes.into_iter().map(|row| (row.node.clone(), row)).collect();
        let mut known = self.known.write();
        let changed = known.store != store;
        *known = Known { store, nodes, noted: known.noted };
        drop(known);
        if changed {
            self.changes.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// Notes the row of a node that this instance has stored.
    pub fn note_node(&self, row: NodeRow) {
        let mut known = self.known.write();
        known.noted += 1;
        known.nodes.insert(row.node.clone(), row);
    }

    /// Returns the number of rows that this instance has stored and noted. A reading of the store that began
    /// before the last of them is out of date.
    pub fn noted(&self) -> u64 {
        self.known.read().noted
    }

    /// Waits until `look` returns a value for the identity of the store, and returns it.
    pub async fn wait_for<T>(&self, look: impl Fn(&StoreIdentity) -> Option<T>) -> T {
        let mut changes = self.changes.subscribe();
        loop {
            changes.mark_unchanged();
            if let Some(found) = look(&self.known.read().store) {
                return found;
            }
            // The sender is a field of `self`, so it is not dropped while this waits.
            let _ = changes.changed().await;
        }
    }
}
