//! The nodes of a cluster, and their replica groups.

use std::collections::BTreeMap;

use crate::{GroupId, NodeId};

/// One Meilisearch server, as placement sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name in the cluster.
    pub id: NodeId,
    /// The replica group it belongs to.
    pub group: GroupId,
}

/// Nodes that together hold every shard `replication_factor` times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaGroup {
    /// Its number.
    pub id: GroupId,
    /// Its nodes, by name.
    pub nodes: Vec<NodeId>,
}

/// The reason why a topology is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTopology {
    /// There are no nodes.
    #[error("the cluster has no nodes: list at least one under `nodes`")]
    NoNodes,
    /// Two nodes have one name.
    #[error("node id `{0}` appears twice: every node needs a name of its own")]
    DuplicateNode(NodeId),
    /// A group is smaller than the replication factor.
    #[error(
        "replica group {group} has {nodes} node(s), fewer than the replication factor {replication_factor}: add nodes to the group or lower `cluster.replication_factor`"
    )]
    GroupTooSmall {
        /// The group.
        group: GroupId,
        /// The number of its nodes.
        nodes: usize,
        /// The number of nodes it needs.
        replication_factor: u32,
    },
    /// The replication factor is zero.
    #[error("`cluster.replication_factor` must be at least 1")]
    NoReplicas,
    /// The quorum is zero, or greater than the replication factor.
    #[error(
        "`cluster.write_quorum` is {quorum}, but must be between 1 and the replication factor {replication_factor}"
    )]
    QuorumOutOfRange {
        /// The refused quorum.
        quorum: u32,
        /// The replication factor.
        replication_factor: u32,
    },
}

/// A valid cluster: groups of distinct nodes, each group large enough for the replication factor.
///
/// # Examples
///
/// ```
/// use miroir_domain::GroupId;
/// use miroir_domain::topology::{Node, Topology};
///
/// let node = |name: &str, group| Node { id: name.parse().unwrap(), group: GroupId(group) };
/// let nodes = vec![node("a", 0), node("b", 0), node("c", 1), node("d", 1)];
/// let topology = Topology::new(nodes.clone(), 2, None)?;
/// assert_eq!(topology.groups().len(), 2);
/// assert_eq!(topology.write_quorum(), 2);
///
/// // No group has three nodes for three copies.
/// assert!(Topology::new(nodes, 3, None).is_err());
/// # Ok::<(), miroir_domain::topology::InvalidTopology>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    groups: Vec<ReplicaGroup>,
    replication_factor: u32,
    write_quorum: u32,
}

impl Topology {
    /// Checks and groups `nodes`. `write_quorum` of `None` is a majority of the replicas, `RF/2 + 1`.
    pub fn new(
        nodes: Vec<Node>,
        replication_factor: u32,
        write_quorum: Option<u32>,
    ) -> Result<Self, InvalidTopology> {
        if replication_factor == 0 {
            return Err(InvalidTopology::NoReplicas);
        }
        if nodes.is_empty() {
            return Err(InvalidTopology::NoNodes);
        }
        let quorum = write_quorum.unwrap_or(replication_factor / 2 + 1);
        if quorum == 0 || quorum > replication_factor {
            return Err(InvalidTopology::QuorumOutOfRange { quorum, replication_factor });
        }
        let groups = group_by_id(nodes)?;
        for group in &groups {
            if group.nodes.len() < replication_factor as usize {
                return Err(InvalidTopology::GroupTooSmall {
                    group: group.id,
                    nodes: group.nodes.len(),
                    replication_factor,
                });
            }
        }
        Ok(Self { groups, replication_factor, write_quorum: quorum })
    }

    /// Creates a cluster that has no nodes yet: it keeps no shard and serves none. `write_quorum` is as in
    /// [`Topology::new`].
    pub fn without_nodes(replication_factor: u32, write_quorum: Option<u32>) -> Self {
        let write_quorum = write_quorum.unwrap_or(replication_factor / 2 + 1);
        Self { groups: Vec::new(), replication_factor, write_quorum }
    }

    /// Returns the groups, by number.
    pub fn groups(&self) -> &[ReplicaGroup] {
        &self.groups
    }

    /// Returns the number of copies of a shard inside one group.
    pub fn replication_factor(&self) -> u32 {
        self.replication_factor
    }

    /// Returns the number of acknowledgements inside one group that make a shard written.
    pub fn write_quorum(&self) -> u32 {
        self.write_quorum
    }

    /// Returns every node, group by group.
    pub fn nodes(&self) -> impl Iterator<Item = &NodeId> {
        self.groups.iter().flat_map(|group| group.nodes.iter())
    }

    /// Returns the group of `node`.
    pub fn group_of(&self, node: &NodeId) -> Option<GroupId> {
        self.groups.iter().find(|group| group.nodes.contains(node)).map(|group| group.id)
    }
}

fn group_by_id(nodes: Vec<Node>) -> Result<Vec<ReplicaGroup>, InvalidTopology> {
    let mut seen = std::collections::BTreeSet::new();
    let mut groups: BTreeMap<GroupId, Vec<NodeId>> = BTreeMap::new();
    for node in nodes {
        if !seen.insert(node.id.clone()) {
            return Err(InvalidTopology::DuplicateNode(node.id));
        }
        groups.entry(node.group).or_default().push(node.id);
    }
    Ok(groups
        .into_iter()
        .map(|(id, mut nodes)| {
            nodes.sort();
            ReplicaGroup { id, nodes }
        })
        .collect())
}

/// Topologies for tests.
#[cfg(test)]
pub(crate) mod fixture {
    use super::{Node, Topology};
    use crate::GroupId;

    /// Returns one group for each list of names, numbered from 0, with the default quorum.
    pub(crate) fn grouped(groups: &[&[&str]], replication_factor: u32) -> Topology {
        let nodes = (0..).zip(groups).flat_map(|(group, names)| {
            names.iter().map(move |name| Node { id: name.parse().unwrap(), group: GroupId(group) })
        });
        Topology::new(nodes.collect(), replication_factor, None).unwrap()
    }

    /// Returns `groups` groups of `per_group` nodes, named `node-<group>-<number>`.
    pub(crate) fn numbered(
        groups: u32,
        per_group: u32,
        replication_factor: u32,
        quorum: Option<u32>,
    ) -> Topology {
        let node = |group, number| Node {
            id: format!("node-{group}-{number}").parse().unwrap(),
            group: GroupId(group),
        };
        let nodes = (0..groups).flat_map(|group| (0..per_group).map(move |number| node(group, number)));
        Topology::new(nodes.collect(), replication_factor, quorum).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(members: &[(&str, u32)]) -> Vec<Node> {
        members
            .iter()
            .map(|(name, group)| Node { id: name.parse().unwrap(), group: GroupId(*group) })
            .collect()
    }

    #[test]
    fn new_groups_nodes_in_any_order() {
        let topology = Topology::new(nodes(&[("d", 7), ("b", 0), ("c", 7), ("a", 0)]), 2, None).unwrap();
        let groups: Vec<(u32, Vec<&str>)> = topology
            .groups()
            .iter()
            .map(|group| (group.id.0, group.nodes.iter().map(NodeId::as_str).collect()))
            .collect();
        assert_eq!(groups, [(0, vec!["a", "b"]), (7, vec!["c", "d"])]);
        assert_eq!(topology.nodes().map(NodeId::as_str).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
        assert_eq!(topology.group_of(&"c".parse().unwrap()), Some(GroupId(7)));
        assert_eq!(topology.group_of(&"x".parse().unwrap()), None);
    }

    #[test]
    fn new_uses_a_majority_as_the_default_quorum() {
        for (factor, quorum) in [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3)] {
            let members: Vec<(String, u32)> = (0..factor).map(|number| (format!("n{number}"), 0)).collect();
            let members: Vec<(&str, u32)> =
                members.iter().map(|(name, group)| (name.as_str(), *group)).collect();
            let topology = Topology::new(nodes(&members), factor, None).unwrap();
            assert_eq!((topology.replication_factor(), topology.write_quorum()), (factor, quorum));
        }
        assert_eq!(Topology::new(nodes(&[("a", 0), ("b", 0)]), 2, Some(1)).unwrap().write_quorum(), 1);
    }

    #[test]
    fn new_refuses_invalid_topologies_with_the_reason() {
        let cases = [
            (nodes(&[]), 1, None, "the cluster has no nodes"),
            (nodes(&[("a", 0)]), 0, None, "must be at least 1"),
            (nodes(&[("a", 0), ("a", 1)]), 1, None, "node id `a` appears twice"),
            (nodes(&[("a", 0), ("b", 0), ("c", 1)]), 2, None, "replica group 1 has 1 node(s)"),
            (nodes(&[("a", 0)]), 1, Some(0), "`cluster.write_quorum` is 0"),
            (nodes(&[("a", 0)]), 1, Some(2), "`cluster.write_quorum` is 2"),
        ];
        for (members, factor, quorum, words) in cases {
            let error = Topology::new(members, factor, quorum).unwrap_err().to_string();
            assert!(error.contains(words), "{error:?} should contain {words:?}");
        }
    }
}
