//! The index registry as services use it.

use std::collections::BTreeSet;
use std::sync::Arc;

use miroir_domain::document::PrimaryKey;
use miroir_domain::error::ErrorCode;
use miroir_domain::index::IndexEntry;
use miroir_domain::task::{NewTask, TaskKind, TaskQuery};
use miroir_domain::write::WriteOperation;
use miroir_domain::{IndexUid, NodeId};
use miroir_ports::inbound::{Accepted, ApiError};
use miroir_ports::outbound::{Create, Put};
use serde_json::{Map, Value};

use super::{Answered, Cluster, Dispatch, IndexGuard, WritePlan};

impl Cluster {
    /// The registry entry of `index`, or 404 `index_not_found`.
    pub async fn known_index(&self, index: &IndexUid) -> Result<IndexEntry, ApiError> {
        self.store
            .index_get(index)
            .await?
            .ok_or_else(|| ApiError::refused(ErrorCode::IndexNotFound, format!("Index `{index}` not found.")))
    }

    /// The entry of an index that is not there yet, not stored.
    pub fn new_entry(&self, index: &IndexUid, primary_key: Option<PrimaryKey>) -> IndexEntry {
        let now = self.clock.now();
        IndexEntry {
            uid: index.clone(),
            primary_key,
            shard_count: self.shard_count,
            settings_version: 1,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    /// Registers an index that is not there yet. The caller holds the index's gate alone.
    pub async fn register_index(&self, entry: &IndexEntry) -> Result<(), ApiError> {
        match self.store.index_create(entry).await? {
            Create::Created => Ok(()),
            Create::Exists => Err(lost_race(&entry.uid)),
        }
    }

    /// Takes back the entry of an index that no node was given. The caller has held the index's gate alone since it
    /// registered the entry.
    pub async fn unregister_index(&self, index: &IndexUid) -> Result<(), ApiError> {
        self.store.index_delete(index).await?;
        self.stale.forget(index);
        Ok(())
    }

    /// Replaces a registry entry by `next`, which still has the version it was read with. The caller holds the
    /// index's gate alone.
    pub async fn amend_index(&self, next: IndexEntry) -> Result<(), ApiError> {
        let next = IndexEntry { updated_at: self.clock.now(), ..next };
        match self.store.index_put(&next).await? {
            Put::Stored => Ok(()),
            Put::Conflict => Err(lost_race(&next.uid)),
        }
    }

    /// [`Cluster::begin`], then `change` of the registry: the task is on record first, so that a process that dies in
    /// between leaves a task that failed, and not an entry that no node knows of. The caller holds the index's gate
    /// alone.
    pub async fn begin_changing(
        self: &Arc<Self>,
        plan: WritePlan,
        change: impl Future<Output = Result<(), ApiError>>,
    ) -> Result<Dispatch, ApiError> {
        let dispatch = self.begin(plan).await?;
        match change.await {
            Ok(()) => Ok(dispatch),
            Err(error) => {
                dispatch.give_up(&error).await;
                Err(error)
            }
        }
    }

    /// [`Cluster::begin_changing`] for the write that creates the index of `entry`. A node of which it is not known that
    /// it took the deletion of an earlier index of that name is told to delete it first, or what was deleted would
    /// return with the new index.
    pub async fn begin_creating(
        self: &Arc<Self>,
        mut plan: WritePlan,
        entry: &IndexEntry,
    ) -> Result<Dispatch, ApiError> {
        self.refuse_shadow(&entry.uid).await?;
        for node in self.holders_of_remains(&entry.uid).await? {
            if let Some(target) = plan.targets.get_mut(&node) {
                target.writes.insert(0, WriteOperation::IndexDelete);
            }
        }
        self.begin_changing(plan, self.register_index(entry)).await
    }

    /// The nodes that may still have the index which was last deleted under this name.
    async fn holders_of_remains(&self, index: &IndexUid) -> Result<Vec<NodeId>, ApiError> {
        // Deletions of an index that was not there are tasks without nodes.
        const LATEST: u32 = 100;
        let query = TaskQuery {
            index_uids: Some(BTreeSet::from([index.clone()])),
            kinds: Some(BTreeSet::from([TaskKind::IndexDeletion])),
            limit: LATEST,
            ..TaskQuery::default()
        };
        let deletions = self.store.task_list(&query).await?.tasks;
        let last = deletions.iter().find(|task| !(task.node_tasks.is_empty() && task.node_errors.is_empty()));
        let Some(last) = last else { return Ok(Vec::new()) };
        let unknown = last.node_tasks.iter().filter(|(_, part)| part.uid.is_none()).map(|(node, _)| node);
        Ok(unknown.chain(last.node_errors.keys()).cloned().collect())
    }

    /// Runs the write that creates an index, with the index's gate held until it is answered: whoever came in between
    /// would take the index for known to the nodes. When certainly no node took any of it, the entry goes again, as
    /// a single server would not have made the index either.
    pub async fn first_answer(
        &self,
        dispatch: Dispatch,
        index: &IndexUid,
        _guard: IndexGuard,
    ) -> Result<Accepted, ApiError> {
        let Answered { result, untouched } = dispatch.answered().await;
        if untouched {
            self.unregister_index(index).await?;
        }
        result
    }

    /// Records a task that has failed before it began, as a single server's would in its queue; no node is called.
    pub async fn record_failure(
        &self,
        kind: TaskKind,
        index: &IndexUid,
        failure: miroir_domain::error::InvalidRequest,
        details: Option<Map<String, Value>>,
        custom_metadata: Option<String>,
    ) -> Result<Accepted, ApiError> {
        let task = NewTask {
            kind,
            index_uid: Some(index.clone()),
            node_tasks: std::collections::BTreeMap::new(),
            details,
            custom_metadata,
            failure: Some(failure.into()),
            changes: None,
        };
        let task = self.store.task_create(task, self.clock.now()).await?;
        Ok(Accepted { summary: task.summary(), degraded: None })
    }
}

/// Another instance changed the entry between our reading and our writing it.
fn lost_race(index: &IndexUid) -> ApiError {
    ApiError::refused(
        ErrorCode::MiroirStoreUnavailable,
        format!("Index `{index}` was changed by another request at the same moment: send the request again."),
    )
}
