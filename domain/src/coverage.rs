//! The shards of a cluster that can be read and written, by the nodes that are usable.

use crate::placement::Placement;
use crate::topology::Topology;
use crate::{NodeId, Shard};

/// The numbers of shards that can be read and written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Shards with a replica on a usable node: they can be read.
    pub covered: u32,
    /// Covered shards with a replica on a node that is not usable.
    pub degraded: u32,
    /// Shards without a replica on a usable node: they cannot be read.
    pub uncovered: u32,
    /// Shards without a write quorum of usable nodes in any group: writes to them are refused.
    pub unwritable: u32,
}

impl Coverage {
    /// Returns the coverage of the shards of `placement` while the nodes for which `is_usable` is true are
    /// usable.
    pub fn of(topology: &Topology, placement: &Placement, is_usable: impl Fn(&NodeId) -> bool) -> Self {
        let quorum = topology.write_quorum() as usize;
        let mut coverage = Self::default();
        for shard in (0..placement.shard_count()).map(Shard) {
            let (mut replicas, mut useful, mut writable) = (0, 0, false);
            for group in topology.groups() {
                let names = placement.replicas(shard, group.id);
                let there = names.iter().filter(|name| is_usable(name)).count();
                replicas += names.len();
                useful += there;
                writable |= there >= quorum;
            }
            coverage.covered += u32::from(useful > 0);
            coverage.uncovered += u32::from(useful == 0);
            coverage.degraded += u32::from(useful > 0 && useful < replicas);
            coverage.unwritable += u32::from(!writable);
        }
        coverage
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::fixture::grouped;

    /// One group of `nodes` per number, with two copies of eight shards.
    fn coverage(groups: &[&[&str]], down: &[&str]) -> Coverage {
        let topology = grouped(groups, 2);
        Coverage::of(&topology, &Placement::new(&topology, 8), |node| !down.contains(&node.as_str()))
    }

    #[test]
    fn all_shards_are_covered_and_writable_while_all_nodes_are_usable() {
        let whole = Coverage { covered: 8, degraded: 0, uncovered: 0, unwritable: 0 };
        assert_eq!(coverage(&[&["a", "b"]], &[]), whole);
        assert_eq!(coverage(&[&["a", "b"], &["c", "d", "e"]], &[]), whole);
    }

    #[test]
    fn shards_without_a_quorum_are_covered_but_not_writable() {
        let lame = Coverage { covered: 8, degraded: 8, uncovered: 0, unwritable: 8 };
        assert_eq!(coverage(&[&["a", "b"]], &["a"]), lame);
        // The other group has its quorum.
        let degraded = Coverage { unwritable: 0, ..lame };
        assert_eq!(coverage(&[&["a", "b"], &["c", "d"]], &["a"]), degraded);
    }

    #[test]
    fn shards_without_a_replica_are_uncovered_and_not_degraded() {
        let gone = Coverage { covered: 0, degraded: 0, uncovered: 8, unwritable: 8 };
        assert_eq!(coverage(&[&["a", "b"]], &["a", "b"]), gone);
        let three = coverage(&[&["a", "b", "c"]], &["a", "b"]);
        assert_eq!((three.covered + three.uncovered, three.degraded), (8, three.covered));
        assert!(three.uncovered > 0 && three.covered > 0, "{three:?}");
    }

    #[test]
    fn cluster_without_nodes_covers_no_shard() {
        let topology = Topology::without_nodes(1, None);
        let none = Coverage::of(&topology, &Placement::new(&topology, 8), |_| true);
        assert_eq!(none, Coverage { covered: 0, degraded: 0, uncovered: 8, unwritable: 8 });
    }
}
