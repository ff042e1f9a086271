//! The verdict on a write, shard by shard and group by group.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::placement::Placement;
use crate::standing::Standing;
use crate::topology::Topology;
use crate::{GroupId, NodeId, Shard, ShardSet};

/// The verdict on a write from the acknowledgements so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WriteVerdict {
    /// Shards without a quorum in any group. The write succeeded if there are none.
    pub unwritten: ShardSet,
    /// Groups, shards and nodes that missed the write, even if it succeeded.
    pub degraded: Option<Degraded>,
}

/// The parts of the cluster that a request did without. Its text form is the value of `X-Miroir-Degraded`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Degraded {
    /// For each group, the shards that miss at least one copy.
    pub groups: BTreeMap<GroupId, ShardSet>,
    /// The nodes that missed the request.
    pub nodes: BTreeSet<NodeId>,
}

impl Degraded {
    /// Returns the parts that either misses.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for (group, shards) in other.groups {
            let all = self.groups.entry(group).or_default();
            *all = all.union(&shards);
        }
        self.nodes.extend(other.nodes);
        self
    }
}

impl fmt::Display for Degraded {
    /// `group=0 shards=1,4-7; group=1 shards=2; nodes=node-a,node-b`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (group, shards) in &self.groups {
            write!(formatter, "{separator}group={group} shards={shards}")?;
            separator = "; ";
        }
        for (position, node) in self.nodes.iter().enumerate() {
            let before = if position == 0 { format_args!("{separator}nodes=") } else { format_args!(",") };
            write!(formatter, "{before}{node}")?;
        }
        Ok(())
    }
}

/// Judges a write to `touched` shards. A shard is written if at least one group has `topology.write_quorum()`
/// replicas of it among the nodes that `acknowledged`. Groups do not add up: a search is served by one group,
/// so one acknowledgement in each of two groups is not a quorum of two. A shard that the placement does not
/// have is unwritten.
///
/// One of the replicas that acknowledged must also be among the best ones of its shard by their `standing`.
/// Otherwise no replica would have every acknowledged write: the best ones would lack this one, and those
/// with this one lack others.
///
/// # Examples
///
/// ```
/// use miroir_domain::placement::Placement;
/// use miroir_domain::quorum::judge_write;
/// use miroir_domain::standing::Standing;
/// use miroir_domain::topology::{Node, Topology};
/// use miroir_domain::{GroupId, ShardSet};
///
/// let node = |name: &str| Node { id: name.parse().unwrap(), group: GroupId(0) };
/// let topology = Topology::new(vec![node("a"), node("b"), node("c")], 3, None)?;
/// let placement = Placement::new(&topology, 2);
/// let judge = |acknowledged: &[&str]| {
///     let acknowledged = |node: &miroir_domain::NodeId| acknowledged.contains(&node.as_str());
///     judge_write(&topology, &placement, &ShardSet::all(2), &acknowledged, &|_, _| Standing::InSync)
/// };
///
/// let without_c = judge(&["a", "b"]);
/// assert!(without_c.unwritten.is_empty());
/// assert_eq!(without_c.degraded.unwrap().to_string(), "group=0 shards=0-1; nodes=c");
/// assert_eq!(judge(&["a"]).unwritten, ShardSet::all(2));
/// # Ok::<(), miroir_domain::topology::InvalidTopology>(())
/// ```
pub fn judge_write(
    topology: &Topology,
    placement: &Placement,
    touched: &ShardSet,
    acknowledged: &dyn Fn(&NodeId) -> bool,
    standing: &dyn Fn(&NodeId, Shard) -> Standing,
) -> WriteVerdict {
    let mut unwritten = ShardSet::default();
    let mut degraded = Degraded::default();
    for shard in touched.iter() {
        let mut written = false;
        for group in topology.groups() {
            let replicas = placement.replicas(shard, group.id);
            let mut acknowledgements = 0;
            for replica in replicas {
                if acknowledged(replica) {
                    acknowledgements += 1;
                } else if !degraded.nodes.contains(replica) {
                    degraded.nodes.insert(replica.clone());
                }
            }
            written |= acknowledgements >= topology.write_quorum() as usize;
            if acknowledgements < replicas.len() {
                degraded.groups.entry(group.id).or_default().insert(shard);
            }
        }
        let best = placement.all_replicas(shard).map(|replica| standing(replica, shard)).max();
        let is_with_a_best = placement
            .all_replicas(shard)
            .any(|replica| acknowledged(replica) && Some(standing(replica, shard)) == best);
        if !written || !is_with_a_best {
            unwritten.insert(shard);
        }
    }
    WriteVerdict { unwritten, degraded: (!degraded.groups.is_empty()).then_some(degraded) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::topology::fixture::numbered;

    fn judge(topology: &Topology, acknowledged: &[&str]) -> WriteVerdict {
        let placement = Placement::new(topology, 1);
        let acknowledged = |node: &NodeId| acknowledged.contains(&node.as_str());
        judge_write(topology, &placement, &ShardSet::all(1), &acknowledged, &|_, _| Standing::InSync)
    }

    #[test]
    fn judge_write_needs_one_of_the_best_replicas() {
        let topology = numbered(1, 3, 3, Some(1));
        let placement = Placement::new(&topology, 1);
        let (a, b, c) = ("node-0-0", "node-0-1", "node-0-2");
        let is_written = |acknowledged: &[&str], best: &[&str], worse: &[&str]| {
            let acknowledged = |node: &NodeId| acknowledged.contains(&node.as_str());
            let standing = |node: &NodeId, _| match node.as_str() {
                node if best.contains(&node) => Standing::InSync,
                node if worse.contains(&node) => Standing::Unsure,
                _ => Standing::Stale,
            };
            let all = ShardSet::all(1);
            judge_write(&topology, &placement, &all, &acknowledged, &standing).unwritten.is_empty()
        };
        assert!(!is_written(&[a], &[b], &[]), "b would lack it, and a lacks others");
        assert!(!is_written(&[a, c], &[b], &[a]));
        assert!(is_written(&[a, b], &[b], &[]) && is_written(&[b], &[b, c], &[a]));
        assert!(!is_written(&[a], &[], &[b]) && is_written(&[b], &[], &[b]));
        assert!(is_written(&[a], &[], &[]), "no replica has everything anyway");
    }

    #[test]
    fn judge_write_counts_inside_one_group_only() {
        let topology = numbered(2, 2, 2, None);
        let split = judge(&topology, &["node-0-0", "node-1-0"]);
        assert_eq!(split.unwritten, ShardSet::all(1));
        let whole = judge(&topology, &["node-1-0", "node-1-1"]);
        assert!(whole.unwritten.is_empty());
        assert_eq!(whole.degraded.unwrap().to_string(), "group=0 shards=0; nodes=node-0-0,node-0-1");
    }

    #[test]
    fn judge_write_reports_nothing_if_all_nodes_acknowledged() {
        let verdict = judge(&numbered(2, 1, 1, None), &["node-0-0", "node-1-0"]);
        assert_eq!(verdict, WriteVerdict { unwritten: ShardSet::default(), degraded: None });
    }

    #[test]
    fn judge_write_names_the_nodes_that_missed_a_write() {
        let verdict = judge(&numbered(1, 3, 3, None), &["node-0-0", "node-0-2"]);
        assert!(verdict.unwritten.is_empty());
        assert_eq!(verdict.degraded.unwrap().to_string(), "group=0 shards=0; nodes=node-0-1");
    }

    #[test]
    fn judge_write_counts_a_shard_outside_the_placement_as_unwritten() {
        let topology = numbered(1, 1, 1, None);
        let placement = Placement::new(&topology, 1);
        let verdict =
            judge_write(&topology, &placement, &[Shard(5)].into_iter().collect(), &|_| true, &|_, _| {
                Standing::InSync
            });
        assert_eq!(verdict.unwritten.to_string(), "5");
    }

    #[test]
    fn degraded_prints_groups_shards_and_nodes() {
        let shards = |numbers: &[u32]| numbers.iter().copied().map(Shard).collect::<ShardSet>();
        let mut degraded = Degraded::default();
        assert_eq!(degraded.to_string(), "");
        degraded.groups.insert(GroupId(1), shards(&[2]));
        assert_eq!(degraded.to_string(), "group=1 shards=2");
        degraded.groups.insert(GroupId(0), shards(&[1, 4, 5, 6, 7]));
        degraded.nodes.extend(["node-b", "node-a"].map(|name| name.parse::<NodeId>().unwrap()));
        assert_eq!(degraded.to_string(), "group=0 shards=1,4-7; group=1 shards=2; nodes=node-a,node-b");
        degraded.groups.clear();
        assert_eq!(degraded.to_string(), "nodes=node-a,node-b");
    }

    proptest! {
        /// Compares with an independent count: RF 1 to 7, RG 1 to 4, every quorum, random acknowledgements.
        #[test]
        fn judge_write_agrees_with_a_naive_count(
            groups in 1_u32..=4,
            factor in 1_u32..=7,
            spare in 0_u32..3,
            quorum in proptest::option::of(0_u32..7),
            shards in 1_u32..12,
            touched in proptest::collection::btree_set(0_u32..12, 1..12),
            acknowledgements in proptest::collection::vec(any::<bool>(), 40),
        ) {
            let quorum = quorum.map(|quorum| quorum % factor + 1);
            let topology = numbered(groups, factor + spare, factor, quorum);
            let needed = quorum.unwrap_or(factor / 2 + 1) as usize;
            let placement = Placement::new(&topology, shards);
            let touched: ShardSet = touched.into_iter().filter(|shard| *shard < shards).map(Shard).collect();
            let acknowledged: BTreeMap<NodeId, bool> = topology.nodes().cloned().zip(acknowledgements).collect();
            let verdict = judge_write(&topology, &placement, &touched, &|node| acknowledged[node], &|_, _| Standing::InSync);

            let mut unwritten = ShardSet::default();
            let mut expected = Degraded::default();
            for shard in touched.iter() {
                let mut best = 0;
                for group in topology.groups() {
                    let (good, bad): (Vec<_>, Vec<_>) =
                        placement.replicas(shard, group.id).iter().partition(|node| acknowledged[*node]);
                    best = best.max(good.len());
                    if !bad.is_empty() {
                        expected.groups.entry(group.id).or_default().insert(shard);
                        expected.nodes.extend(bad.into_iter().cloned());
                    }
                }
                if best < needed {
                    unwritten.insert(shard);
                }
            }
            prop_assert_eq!(verdict.unwritten, unwritten);
            prop_assert_eq!(verdict.degraded.unwrap_or_default(), expected);
        }
    }
}
