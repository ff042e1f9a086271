//! The plan of a write, made before anything is recorded or sent.

use std::collections::BTreeMap;

use miroir_domain::change::PendingChanges;
use miroir_domain::index::{FIRST_SETTINGS_VERSION, IndexEntry};
use miroir_domain::placement::Placement;
use miroir_domain::task::{NewTask, NodeTask, TaskKind};
use miroir_domain::write::{Reach, WriteOperation};
use miroir_domain::{IndexUid, NodeId, PhysicalUid, ShardSet};
use serde_json::{Map, Value};

use crate::order::WriteOrder;

/// The size up to which documents are searched for their ids on the thread of the request.
const SEARCH_INLINE_BYTES: u64 = 64 * 1024;

/// The part of a write that one node gets.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// The shards of the write that the node has; empty for a node that only has to know the index.
    pub shards: ShardSet,
    /// The requests, in order. A node works in order, so the node task of the last one stands for all of
    /// them.
    pub writes: Vec<WriteOperation>,
}

/// A write, with the part of every node.
#[derive(Debug, Clone)]
pub struct WritePlan {
    /// The type of its task.
    pub kind: TaskKind,
    /// The name of the index.
    pub index: IndexUid,
    /// The uid under which the nodes keep it.
    pub physical_uid: PhysicalUid,
    /// The number of shards of the index.
    pub shard_count: u32,
    /// The shards that need a quorum.
    pub touched: ShardSet,
    /// The part of each node.
    pub targets: BTreeMap<NodeId, Target>,
    /// The details of the task, as far as they are known.
    pub details: Option<Map<String, Value>>,
    /// The client's own `customMetadata`.
    pub custom_metadata: Option<String>,
    /// The version of the settings that a node has after its part, if the write changes settings.
    pub settings_version: Option<u64>,
    /// The changes of documents that sinks get once the write has succeeded.
    pub changes: Option<PendingChanges>,
}

impl WritePlan {
    /// Makes a plan that sends the same requests to every node and touches every shard.
    pub fn broadcast(
        kind: TaskKind,
        entry: &IndexEntry,
        placement: &Placement,
        writes: &[WriteOperation],
    ) -> Self {
        let touched = ShardSet::all(placement.shard_count());
        let targets = placement
            .write_targets(&touched)
            .into_iter()
            .map(|(node, shards)| (node, Target { shards, writes: writes.to_vec() }))
            .collect();
        Self { touched, targets, ..Self::empty(kind, entry) }
    }

    /// Makes a plan that sends nothing, to be filled in.
    pub fn empty(kind: TaskKind, entry: &IndexEntry) -> Self {
        Self {
            kind,
            index: entry.uid.clone(),
            physical_uid: entry.physical_uid.clone(),
            shard_count: entry.shard_count,
            touched: ShardSet::default(),
            targets: BTreeMap::new(),
            details: None,
            custom_metadata: None,
            settings_version: None,
            changes: None,
        }
    }

    /// Returns the plan with these details.
    #[must_use]
    pub fn with_details(self, details: Map<String, Value>) -> Self {
        Self { details: Some(details), ..self }
    }

    /// Returns whether the write creates the index.
    pub fn creates_index(&self) -> bool {
        self.settings_version == Some(FIRST_SETTINGS_VERSION)
    }

    /// Returns whether a node must have the index already. One that does not have it would create an index
    /// without settings, or with the documents of this write alone.
    pub fn needs_index(&self) -> bool {
        self.kind != TaskKind::IndexDeletion && !self.creates_index()
    }

    /// Returns the documents that the write may change. If nobody watches the index, that may be more than it
    /// names.
    pub async fn reach(&self, order: &WriteOrder) -> Reach {
        if !order.is_watched(&self.index) {
            return Reach::Everything;
        }
        let writes = || self.targets.values().flat_map(|target| &target.writes);
        let is_large = |write: &WriteOperation| match write {
            WriteOperation::DocumentsAdd { documents, .. } => {
                documents.content_length() > SEARCH_INLINE_BYTES
            }
            _ => false,
        };
        let Some(large) = writes().find(|write| is_large(write)).cloned() else { return Reach::of(writes()) };
        if self.creates_index() {
            return Reach::Everything;
        }
        let search = move || Reach::of([large].iter());
        tokio::task::spawn_blocking(search).await.unwrap_or(Reach::Everything)
    }

    /// Returns the task to record before any node is called, with every node pending. Moves the changes out
    /// of the plan, since only the task needs them.
    pub fn new_task(&mut self) -> NewTask {
        let changes = self.changes.take();
        let pending = |target: &Target| NodeTask {
            settings_version: self.settings_version,
            ..NodeTask::pending(target.shards.clone())
        };
        NewTask {
            kind: self.kind,
            index_uid: Some(self.index.clone()),
            physical_uid: Some(&self.physical_uid).filter(|uid| uid.as_str() != self.index.as_str()).cloned(),
            node_tasks: self.targets.iter().map(|(node, target)| (node.clone(), pending(target))).collect(),
            details: self.details.clone(),
            custom_metadata: self.custom_metadata.clone(),
            failure: None,
            changes,
        }
    }
}
