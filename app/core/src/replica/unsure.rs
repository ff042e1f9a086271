//! The replicas of which it is not known whether they took a write that was acknowledged.

use std::collections::HashMap;

use miroir_domain::task::{NodeTask, Task};
use miroir_domain::{NodeId, PhysicalUid, Shard, ShardSet, TaskUid};

/// The parts of acknowledged writes whose outcome is not known yet.
#[derive(Debug, Default)]
pub(super) struct UnsureParts(HashMap<TaskUid, Parts>);

#[derive(Debug)]
struct Parts {
    index: PhysicalUid,
    by_node: HashMap<NodeId, ShardSet>,
}

impl UnsureParts {
    /// Notes the parts of `task` that may lack the acknowledged write.
    pub(super) fn note(&mut self, task: &Task) {
        let Some(index) = task.physical_index() else { return };
        let unsure = task.node_tasks.iter().filter(|(_, part)| part.is_unsure());
        let by_node: HashMap<NodeId, ShardSet> =
            unsure.map(|(node, part)| (node.clone(), part.shards.clone())).collect();
        if !by_node.is_empty() {
            self.0.insert(task.uid, Parts { index, by_node });
        }
    }

    /// Removes the parts of `task` whose outcome is known.
    pub(super) fn resolve(&mut self, task: &Task) {
        let Some(parts) = self.0.get_mut(&task.uid) else { return };
        parts.by_node.retain(|node, _| task.node_tasks.get(node).is_some_and(NodeTask::is_unsure));
        if parts.by_node.is_empty() {
            self.0.remove(&task.uid);
        }
    }

    /// Returns whether a write was acknowledged while nodes were pending, and some still are.
    pub(super) fn has(&self, task: TaskUid) -> bool {
        self.0.contains_key(&task)
    }

    /// Returns whether a shard on a node may lack an acknowledged write.
    pub(super) fn concern(&self, index: &PhysicalUid, node: &NodeId, shard: Shard) -> bool {
        self.0.values().any(|parts| {
            parts.index == *index && parts.by_node.get(node).is_some_and(|shards| shards.contains(shard))
        })
    }
}
