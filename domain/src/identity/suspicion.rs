//! The marks of a node whose data is gone or of an earlier time.

use crate::placement::Placement;
use crate::replica::{Difference, ReplicaMark};
use crate::{NodeId, PhysicalUid, Shard, ShardSet, Timestamp};

/// Returns the marks by which everything that `node` keeps of `indexes`, each with its placement, is suspect.
///
/// They include the shards that no other node keeps. Nothing can repair those, so they stay marked, and every
/// answer from them says so, until an operator restores the node or accepts what it has.
pub fn suspect_everything<'a>(
    node: &NodeId,
    indexes: impl IntoIterator<Item = (&'a PhysicalUid, &'a Placement)>,
    reason: &str,
    now: Timestamp,
) -> Vec<ReplicaMark> {
    let mark = |(index, placement): (&PhysicalUid, &Placement)| ReplicaMark {
        index: index.clone(),
        node: node.clone(),
        difference: Difference { shards: placement.shards_of(node).clone(), settings: true, index: true },
        task: None,
        reason: reason.to_owned(),
        at: now,
    };
    indexes.into_iter().map(mark).collect()
}

/// Returns the shards of an index that `node` keeps, and of which no other node has a replica for which
/// `is_in_sync` is true.
pub fn shards_without_source(
    node: &NodeId,
    placement: &Placement,
    is_in_sync: &dyn Fn(&NodeId, Shard) -> bool,
) -> ShardSet {
    let has_source =
        |shard: Shard| placement.all_replicas(shard).any(|other| other != node && is_in_sync(other, shard));
    placement.shards_of(node).iter().filter(|shard| !has_source(*shard)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::fixture::numbered;

    fn node(name: &str) -> NodeId {
        name.parse().unwrap()
    }

    #[test]
    fn every_shard_that_the_node_keeps_is_suspect() {
        let topology = numbered(1, 3, 1, None);
        let placement = Placement::new(&topology, 8);
        let films: PhysicalUid = "films".parse().unwrap();
        let of = topology.nodes().next().unwrap();
        let now = Timestamp::from_millis(5);
        let marks = suspect_everything(of, [(&films, &placement)], "it was emptied", now);
        let [mark] = marks.as_slice() else { panic!("{marks:?}") };
        assert_eq!((&mark.index, &mark.node, mark.task, mark.at), (&films, of, None, now));
        assert_eq!(mark.difference.shards, *placement.shards_of(of));
        assert!(mark.difference.settings && mark.difference.index && mark.reason == "it was emptied");
        assert_eq!(suspect_everything(of, [], "", now), []);
    }

    #[test]
    fn shards_without_source_are_those_that_no_other_node_has_in_sync() {
        let topology = numbered(1, 3, 2, None);
        let placement = Placement::new(&topology, 16);
        let of = topology.nodes().next().unwrap().clone();
        let kept = placement.shards_of(&of);
        let sourceless =
            |is_in_sync: &dyn Fn(&NodeId, Shard) -> bool| shards_without_source(&of, &placement, is_in_sync);
        assert!(sourceless(&|_, _| true).is_empty());
        assert_eq!(sourceless(&|other, _| *other == of), *kept, "the node is no source of its own");
        let first = kept.iter().next().unwrap();
        assert_eq!(sourceless(&|_, shard| shard != first), ShardSet::from_iter([first]));
        let stranger = node("stranger");
        assert!(shards_without_source(&stranger, &placement, &|_, _| false).is_empty());
    }
}
