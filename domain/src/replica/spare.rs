//! Marks that leave the best replicas of a shard alone.
//!
//! One replica of every shard has every write that was acknowledged, as long as no node loses its data. A
//! write that the best replicas missed is not acknowledged, and does not mark them: they would wait for a
//! replica that has missed other writes, and it for them.

use std::collections::BTreeMap;

use super::{Difference, ReplicaMark};
use crate::placement::Placement;
use crate::standing::Standing;
use crate::task::{NodeTaskState, Task};
use crate::{NodeId, Shard, ShardSet};

/// The reason of the marks of replicas with a write that better ones missed.
const DIVERGED: &str = "the node took a write that the replicas in sync missed";

/// Returns `marks`, which follow from a change of `task`, without those of shards whose best replicas
/// would be marked: such a shard is marked on the nodes that have the write, or may have it. A shard of which
/// no replica has it is not marked. Marks of settings and of whole indexes stay as they are, since the task
/// store has what such nodes lack.
pub fn spare_best(
    marks: Vec<ReplicaMark>,
    task: &Task,
    placement: &Placement,
    standing: &dyn Fn(&NodeId, Shard) -> Standing,
) -> Vec<ReplicaMark> {
    let mut kept = Vec::new();
    let mut diverged: BTreeMap<&NodeId, ReplicaMark> = BTreeMap::new();
    for mut mark in marks {
        if mark.difference.settings || mark.difference.index {
            kept.push(mark);
            continue;
        }
        let mut shards = ShardSet::default();
        for shard in mark.difference.shards.iter() {
            let others: Vec<&NodeId> = placement
                .all_replicas(shard)
                .filter(|node| **node != mark.node && may_have(task, node))
                .collect();
            if others.is_empty() && !may_have(task, &mark.node) {
                // It failed wherever it arrived, so all replicas are as equal as before.
                continue;
            }
            let own = standing(&mark.node, shard);
            if others.is_empty() || others.iter().any(|node| standing(node, shard) >= own) {
                shards.insert(shard);
                continue;
            }
            for node in others {
                let mark = diverged.entry(node).or_insert_with(|| ReplicaMark {
                    node: node.clone(),
                    difference: Difference::default(),
                    reason: DIVERGED.to_owned(),
                    ..mark.clone()
                });
                mark.difference.shards.insert(shard);
            }
        }
        mark.difference.shards = shards;
        kept.push(mark);
    }
    kept.retain(|mark| !mark.difference.is_none());
    kept.extend(diverged.into_values());
    kept
}

/// Returns whether `node` has the write of `task`, or may have it.
fn may_have(task: &Task, node: &NodeId) -> bool {
    let part = task.node_tasks.get(node);
    part.is_some_and(|part| !matches!(part.status, NodeTaskState::Failed | NodeTaskState::Canceled))
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::Timestamp;
    use crate::task::TaskKind;
    use crate::task::fixture::{accepted, after, missed, node, task_of};
    use crate::topology::fixture::numbered;

    const A: &str = "node-0-0";
    const B: &str = "node-0-1";
    const C: &str = "node-0-2";

    /// The nodes that are marked for the only shard, if `missers` missed a write that `takers` took.
    fn marked(missers: &[&str], takers: &[&str], standings: &[(&str, Standing)]) -> Vec<String> {
        marked_after(missers, takers, standings, |task| task)
    }

    /// The same after `change` of the task.
    fn marked_after(
        missers: &[&str],
        takers: &[&str],
        standings: &[(&str, Standing)],
        change: impl FnOnce(Task) -> Task,
    ) -> Vec<String> {
        let placement = Placement::new(&numbered(1, 3, 3, Some(1)), 1);
        let all: Vec<(&str, &[u32])> = missers.iter().chain(takers).map(|name| (*name, &[0][..])).collect();
        let task = task_of(TaskKind::DocumentAdditionOrUpdate, Map::new(), &all);
        let events = takers.iter().map(|name| accepted(name)).chain(missers.iter().map(|name| missed(name)));
        let task = change(after(task, events));
        let marks = missers.iter().map(|name| ReplicaMark {
            index: "films".parse().unwrap(),
            node: node(name),
            difference: Difference::of_shards(ShardSet::all(1)),
            task: Some(task.uid),
            reason: "missed".to_owned(),
            at: Timestamp::from_millis(1),
        });
        let standing = |node: &NodeId, _| {
            let known = standings.iter().find(|(name, _)| *name == node.as_str());
            known.map_or(Standing::InSync, |(_, standing)| *standing)
        };
        let spared = spare_best(marks.collect(), &task, &placement, &standing);
        assert!(spared.iter().all(|mark| mark.difference.shards == ShardSet::all(1)));
        spared.iter().map(|mark| mark.node.as_str().to_owned()).collect()
    }

    #[test]
    fn replica_is_marked_if_another_one_in_sync_has_the_write() {
        assert_eq!(marked(&[A], &[B], &[]), [A]);
        assert_eq!(marked(&[A, C], &[B], &[(C, Standing::Stale)]), [A, C]);
        assert_eq!(marked(&[A], &[B], &[(A, Standing::Unsure), (B, Standing::Unsure)]), [A]);
    }

    #[test]
    fn best_replica_stays_unmarked_and_those_with_the_write_are_marked() {
        assert_eq!(marked(&[A], &[B], &[(B, Standing::Stale)]), [B]);
        assert_eq!(marked(&[A], &[B, C], &[(B, Standing::Stale), (C, Standing::Unsure)]), [B, C]);
        assert_eq!(marked(&[A], &[B], &[(A, Standing::Unsure), (B, Standing::Stale)]), [B]);
    }

    #[test]
    fn stale_replica_is_marked_beside_a_spared_one() {
        assert_eq!(marked(&[A, C], &[B], &[(B, Standing::Stale), (C, Standing::Stale)]), [C, B]);
    }

    /// The reason is the same on all nodes, such as an attribute that is not filterable.
    #[test]
    fn write_that_failed_wherever_it_arrived_marks_nobody() {
        let all_failed = |mut task: Task| {
            for part in task.node_tasks.values_mut() {
                part.status = NodeTaskState::Failed;
            }
            task
        };
        assert_eq!(marked_after(&[A], &[B, C], &[], all_failed), Vec::<String>::new());
        assert_eq!(marked_after(&[A], &[B], &[(B, Standing::Stale)], all_failed), Vec::<String>::new());
        let one_failed = |mut task: Task| {
            task.node_tasks.get_mut(&node(B)).unwrap().status = NodeTaskState::Failed;
            task
        };
        assert_eq!(marked_after(&[A], &[B, C], &[], one_failed), [A]);
    }

    #[test]
    fn marks_of_settings_and_indexes_stay() {
        let placement = Placement::new(&numbered(1, 3, 3, Some(1)), 1);
        let task = task_of(TaskKind::SettingsUpdate, Map::new(), &[(A, &[0]), (B, &[0])]);
        let mark = ReplicaMark {
            index: "films".parse().unwrap(),
            node: node(A),
            difference: Difference::of_settings(),
            task: Some(task.uid),
            reason: "missed".to_owned(),
            at: Timestamp::from_millis(1),
        };
        let standing = |replica: &NodeId, _| {
            if *replica == node(A) { Standing::InSync } else { Standing::Stale }
        };
        assert_eq!(spare_best(vec![mark.clone()], &task, &placement, &standing), [mark]);
    }
}
