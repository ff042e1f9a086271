//! What a write will do, decided before anything is recorded or sent.

use std::collections::BTreeMap;

use miroir_domain::change::PendingChanges;
use miroir_domain::placement::Placement;
use miroir_domain::task::{NewTask, NodeTask, TaskKind};
use miroir_domain::write::WriteOperation;
use miroir_domain::{IndexUid, NodeId, ShardSet};
use serde_json::{Map, Value};

/// What one node is sent.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// The shards of the write that the node keeps; empty for a node that only has to know the index.
    pub shards: ShardSet,
    /// The requests, in order. The node task of the last one is the one that counts: a node works in order, so when
    /// it is done the earlier ones are.
    pub writes: Vec<WriteOperation>,
}

/// One write, for all the nodes it concerns.
#[derive(Debug, Clone)]
pub struct WritePlan {
    /// The type of its task.
    pub kind: TaskKind,
    /// The index.
    pub index: IndexUid,
    /// How many shards the index has.
    pub shard_count: u32,
    /// The shards that must be written for the write to take.
    pub touched: ShardSet,
    /// What each node is sent.
    pub targets: BTreeMap<NodeId, Target>,
    /// What is known of the task's details.
    pub details: Option<Map<String, Value>>,
    /// The client's own `customMetadata`.
    pub custom_metadata: Option<String>,
    /// The settings version a node has once it has done its part, where the write brings settings.
    pub settings_version: Option<u64>,
    /// What others are told once it has succeeded.
    pub changes: Option<PendingChanges>,
}

impl WritePlan {
    /// A write that sends the same requests to every node and touches every shard.
    pub fn broadcast(
        kind: TaskKind,
        index: IndexUid,
        placement: &Placement,
        writes: &[WriteOperation],
    ) -> Self {
        let touched = ShardSet::all(placement.shard_count());
        let targets = placement
            .write_targets(&touched)
            .into_iter()
            .map(|(node, shards)| (node, Target { shards, writes: writes.to_vec() }))
            .collect();
        Self { touched, targets, ..Self::empty(kind, index, placement.shard_count()) }
    }

    /// Makes a plan that sends nothing, to be filled in.
    pub fn empty(kind: TaskKind, index: IndexUid, shard_count: u32) -> Self {
        Self {
            kind,
            index,
            shard_count,
            touched: ShardSet::default(),
            targets: BTreeMap::new(),
            details: None,
            custom_metadata: None,
            settings_version: None,
            changes: None,
        }
    }

    /// The same plan with these details.
    #[must_use]
    pub fn with_details(self, details: Map<String, Value>) -> Self {
        Self { details: Some(details), ..self }
    }

    /// The task as it is recorded before any node is called: the intent, every node pending.
    /// What it will have changed goes with it, for nobody else needs it.
    pub fn new_task(&mut self) -> NewTask {
        let changes = self.changes.take();
        let pending = |target: &Target| NodeTask {
            settings_version: self.settings_version,
            ..NodeTask::pending(target.shards.clone())
        };
        NewTask {
            kind: self.kind,
            index_uid: Some(self.index.clone()),
            node_tasks: self.targets.iter().map(|(node, target)| (node.clone(), pending(target))).collect(),
            details: self.details.clone(),
            custom_metadata: self.custom_metadata.clone(),
            failure: None,
            changes,
        }
    }
}
