//! The topology that the store has accepted, and its differences from that of the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::placement::Placement;
use crate::standing::Standing;
use crate::topology::{InvalidTopology, Node, Topology};
use crate::{GroupId, NodeId, Shard, ShardSet};

/// A node of an accepted topology.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedNode {
    /// Its name.
    pub id: NodeId,
    /// Its URL.
    pub url: String,
    /// Its replica group.
    pub group: GroupId,
}

/// The part of a topology that decides where documents are. It is stored when an operator accepts it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedTopology {
    /// The number of copies of a shard inside one group.
    pub replication_factor: u32,
    /// The nodes, by name.
    pub nodes: Vec<AcceptedNode>,
}

/// A difference between an accepted topology and a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopologyChange {
    /// The replication factor differs.
    ReplicationFactor {
        /// The accepted one.
        from: u32,
        /// The new one.
        to: u32,
    },
    /// A node is new.
    NodeAdded(AcceptedNode),
    /// A node is gone.
    NodeRemoved(AcceptedNode),
    /// A node has another URL.
    Url {
        /// The node.
        node: NodeId,
        /// The accepted URL.
        from: String,
        /// The new URL.
        to: String,
    },
    /// A node is in another group.
    Group {
        /// The node.
        node: NodeId,
        /// The accepted group.
        from: GroupId,
        /// The new group.
        to: GroupId,
    },
}

impl fmt::Display for TopologyChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReplicationFactor { from, to } => {
                write!(formatter, "`cluster.replication_factor` is {to} instead of {from}")
            }
            Self::NodeAdded(node) => {
                write!(formatter, "node `{}` ({}) in group {} is new", node.id, node.url, node.group)
            }
            Self::NodeRemoved(node) => {
                write!(formatter, "node `{}` ({}) in group {} is missing", node.id, node.url, node.group)
            }
            Self::Url { node, from, to } => {
                write!(formatter, "node `{node}` has the URL {to} instead of {from}")
            }
            Self::Group { node, from, to } => {
                write!(formatter, "node `{node}` is in group {to} instead of {from}")
            }
        }
    }
}

impl AcceptedTopology {
    /// Creates a topology of these nodes.
    pub fn new(replication_factor: u32, nodes: impl IntoIterator<Item = AcceptedNode>) -> Self {
        let mut nodes: Vec<AcceptedNode> = nodes.into_iter().collect();
        nodes.sort_by(|left, right| left.id.cmp(&right.id));
        Self { replication_factor, nodes }
    }

    /// Returns the topology for placement.
    pub fn to_topology(&self) -> Result<Topology, InvalidTopology> {
        let node = |node: &AcceptedNode| Node { id: node.id.clone(), group: node.group };
        Topology::new(self.nodes.iter().map(node).collect(), self.replication_factor, None)
    }

    /// Returns the differences of `next` from this topology, in a stable order.
    pub fn changes_to(&self, next: &Self) -> Vec<TopologyChange> {
        let by_id = |topology: &Self| -> BTreeMap<NodeId, AcceptedNode> {
            topology.nodes.iter().map(|node| (node.id.clone(), node.clone())).collect()
        };
        let (before, after) = (by_id(self), by_id(next));
        let mut changes = Vec::new();
        if self.replication_factor != next.replication_factor {
            let (from, to) = (self.replication_factor, next.replication_factor);
            changes.push(TopologyChange::ReplicationFactor { from, to });
        }
        let removed = before.values().filter(|node| !after.contains_key(&node.id));
        changes.extend(removed.cloned().map(TopologyChange::NodeRemoved));
        for node in after.values() {
            match before.get(&node.id) {
                None => changes.push(TopologyChange::NodeAdded(node.clone())),
                Some(former) => changes.extend(changes_of(former, node)),
            }
        }
        changes
    }
}

fn changes_of(former: &AcceptedNode, node: &AcceptedNode) -> impl Iterator<Item = TopologyChange> {
    let url = (former.url != node.url).then(|| TopologyChange::Url {
        node: node.id.clone(),
        from: former.url.clone(),
        to: node.url.clone(),
    });
    let group = (former.group != node.group).then(|| TopologyChange::Group {
        node: node.id.clone(),
        from: former.group,
        to: node.group,
    });
    url.into_iter().chain(group)
}

/// The effect of another topology on the replicas of one index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlacementChange {
    /// The shards that each node keeps in the new placement and did not keep before.
    pub gained: BTreeMap<NodeId, ShardSet>,
    /// The shards of which no former owner is an owner any more, or only ones with a lower standing than
    /// another one: the change would leave documents behind.
    pub left_behind: ShardSet,
}

impl PlacementChange {
    /// Compares two placements of the same index, whose replicas have this standing.
    pub fn between(
        former: &Placement,
        next: &Placement,
        standing: &dyn Fn(&NodeId, Shard) -> Standing,
    ) -> Self {
        let mut change = Self::default();
        for shard in (0..next.shard_count()).map(Shard) {
            let owners: BTreeSet<&NodeId> = former.all_replicas(shard).collect();
            let (kept, gained): (Vec<&NodeId>, Vec<&NodeId>) =
                next.all_replicas(shard).partition(|node| owners.contains(node));
            for node in gained {
                change.gained.entry(node.clone()).or_default().insert(shard);
            }
            let best = owners.iter().map(|node| standing(node, shard)).max();
            if kept.into_iter().map(|node| standing(node, shard)).max() < best {
                change.left_behind.insert(shard);
            }
        }
        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str, url: &str, group: u32) -> AcceptedNode {
        AcceptedNode { id: id.parse().unwrap(), url: url.to_owned(), group: GroupId(group) }
    }

    fn three(replication_factor: u32) -> AcceptedTopology {
        let nodes = ["c", "a", "b"].map(|id| node(id, &format!("http://{id}"), 0));
        AcceptedTopology::new(replication_factor, nodes)
    }

    fn change(from: &AcceptedTopology, to: &AcceptedTopology) -> PlacementChange {
        let placement = |topology: &AcceptedTopology| Placement::new(&topology.to_topology().unwrap(), 64);
        PlacementChange::between(&placement(from), &placement(to), &|_, _| Standing::InSync)
    }

    #[test]
    fn equal_topologies_have_no_changes_whatever_their_order() {
        let other = AcceptedTopology::new(2, three(2).nodes.into_iter().rev());
        assert_eq!(three(2).changes_to(&other), []);
        assert_eq!(change(&three(2), &other), PlacementChange::default());
    }

    #[test]
    fn changes_are_named() {
        let next = AcceptedTopology::new(
            1,
            [node("a", "http://a", 1), node("b", "http://elsewhere", 0), node("d", "http://d", 0)],
        );
        let changes: Vec<String> = three(2).changes_to(&next).iter().map(ToString::to_string).collect();
        assert_eq!(
            changes,
            [
                "`cluster.replication_factor` is 1 instead of 2",
                "node `c` (http://c) in group 0 is missing",
                "node `a` is in group 1 instead of 0",
                "node `b` has the URL http://elsewhere instead of http://b",
                "node `d` (http://d) in group 0 is new",
            ]
        );
    }

    #[test]
    fn greater_replication_factor_and_new_groups_leave_nothing_behind() {
        let raised = change(&three(1), &three(2));
        assert!(raised.left_behind.is_empty());
        let gained: usize = raised.gained.values().map(ShardSet::len).sum();
        assert_eq!(gained, 64, "one more copy of each shard");
        let group = ["d", "e"].map(|id| node(id, "http://new", 1));
        let grown = AcceptedTopology::new(1, three(1).nodes.into_iter().chain(group));
        let added = change(&three(1), &grown);
        assert!(added.left_behind.is_empty());
        assert_eq!(added.gained.keys().map(NodeId::as_str).collect::<Vec<_>>(), ["d", "e"]);
    }

    #[test]
    fn node_that_joins_with_one_copy_would_leave_its_shards_behind() {
        let grown = AcceptedTopology::new(1, three(1).nodes.into_iter().chain([node("d", "http://d", 0)]));
        let joined = change(&three(1), &grown);
        assert_eq!(joined.left_behind, joined.gained[&"d".parse().unwrap()]);
        assert!(!joined.left_behind.is_empty());
    }

    #[test]
    fn replaced_node_leaves_nothing_behind_with_two_copies() {
        let replaced = AcceptedTopology::new(2, ["a", "b", "d"].map(|id| node(id, "http://x", 0)));
        let change = change(&three(2), &replaced);
        assert!(change.left_behind.is_empty());
        assert!(change.gained.contains_key(&"d".parse().unwrap()));
    }
    #[test]
    fn change_to_stale_owners_alone_leaves_documents_behind() {
        let without_c = AcceptedTopology::new(2, ["a", "b"].map(|id| node(id, "http://x", 0)));
        let placement = |topology: &AcceptedTopology| Placement::new(&topology.to_topology().unwrap(), 64);
        let (former, next) = (placement(&three(2)), placement(&without_c));
        let left_behind = |is_stale: &dyn Fn(&NodeId, Shard) -> bool| {
            let standing =
                |node: &NodeId, shard| if is_stale(node, shard) { Standing::Stale } else { Standing::InSync };
            PlacementChange::between(&former, &next, &standing).left_behind
        };
        let shards_of = |node: &str| former.shards_of(&node.parse().unwrap()).clone();
        let of_c = shards_of("c");
        assert!(left_behind(&|_, _| false).is_empty());
        assert_eq!(left_behind(&|node, _| node.as_str() == "a"), of_c.intersection(&shards_of("a")));
        assert_eq!(left_behind(&|node, _| node.as_str() != "c"), of_c);
        // Nothing gets worse.
        assert!(left_behind(&|_, _| true).is_empty());
        assert!(left_behind(&|node, _| node.as_str() == "c").is_empty());
    }
}
