//! Documents written and deleted: cut by shard, one task for all nodes.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use miroir_domain::change::{ChangeKind, Changed, PendingChanges};
use miroir_domain::document::{DocumentId, PrimaryKey};
use miroir_domain::error::{ErrorCode, InvalidRequest};
use miroir_domain::index::IndexEntry;
use miroir_domain::payload::{Payload, PayloadError, parse_ids};
use miroir_domain::placement::{Placement, shard_of};
use miroir_domain::settings::initial_for_nodes;
use miroir_domain::task::TaskKind;
use miroir_domain::task::details::{
    documents_added, documents_deleted_by_filter, documents_deleted_by_ids, everything_deleted,
};
use miroir_domain::write::{WriteMode, WriteOperation};
use miroir_domain::{IndexUid, ShardSet};
use miroir_ports::inbound::{
    Accepted, ApiError, DocumentApi, DocumentSelection, DocumentWrite, ReadResponse,
};
use serde_json::{Map, Value};

use super::detached::detached;
use super::document_read;
use crate::cluster::{Cluster, Dispatch, Target, WritePlan};

/// Bodies up to this size are parsed where they are; larger ones on a thread that may block.
const PARSE_INLINE_BYTES: usize = 64 * 1024;

/// Implements [`DocumentApi`].
#[derive(Clone)]
pub struct DocumentService {
    cluster: Arc<Cluster>,
}

/// Either a write on its way, or the answer to one: it failed before it began, or it had to have the index alone
/// until it was answered.
enum Begun {
    Sent(Box<Dispatch>),
    Answered(Accepted),
}

/// A payload, and what others are told that it changes.
struct Parsed {
    payload: Payload,
    changed: Option<Changed>,
}

impl DocumentService {
    /// A service over `cluster`.
    pub fn new(cluster: Arc<Cluster>) -> Self {
        Self { cluster }
    }

    /// Parses the payload under the index's gate and begins the write. An index whose primary key is known is only
    /// relied on, so writes to it run side by side; an index that is new, or has no key yet, is changed, by one
    /// write at a time.
    async fn begin_write(&self, write: DocumentWrite) -> Result<Begun, ApiError> {
        let explicit = write.primary_key.as_deref().map(PrimaryKey::parse).transpose()?;
        let relying = self.cluster.gates.rely(&write.index).await;
        let entry = self.cluster.store.index_get(&write.index).await?;
        if let Some(entry) = entry.filter(|entry| entry.primary_key.is_some()) {
            if let Some(failure) = other_key(&entry, explicit.as_ref()) {
                return self.fail(&write, failure).await;
            }
            let parsed = self.parse(&write, entry.primary_key.as_ref(), entry.shard_count).await;
            let parsed = match parsed {
                Ok(parsed) => parsed,
                Err(PayloadError::Failed(failure)) => return self.fail(&write, failure).await,
                Err(PayloadError::Refused(refusal)) => return Err(refusal.into()),
            };
            let plan = self.plan(&entry, &write, parsed, false);
            return Ok(Begun::Sent(Box::new(self.cluster.begin(plan).await?)));
        }
        drop(relying);
        self.begin_first_write(write, explicit).await
    }

    async fn begin_first_write(
        &self,
        write: DocumentWrite,
        explicit: Option<PrimaryKey>,
    ) -> Result<Begun, ApiError> {
        let changing = self.cluster.gates.change(&write.index).await;
        let entry = self.cluster.store.index_get(&write.index).await?;
        // Another write may have settled the key while this one waited for the gate.
        if let Some(failure) = entry.as_ref().and_then(|entry| other_key(entry, explicit.as_ref())) {
            return self.fail(&write, failure).await;
        }
        let known = entry.as_ref().and_then(|entry| entry.primary_key.clone()).or(explicit);
        let shard_count = entry.as_ref().map_or(self.cluster.shard_count, |entry| entry.shard_count);
        let parsed = match self.parse(&write, known.as_ref(), shard_count).await {
            Ok(parsed) => parsed,
            Err(PayloadError::Failed(failure)) => return self.fail(&write, failure).await,
            Err(PayloadError::Refused(refusal)) => return Err(refusal.into()),
        };
        let key = parsed.payload.primary_key().cloned();
        let Some(entry) = entry else {
            let entry = self.cluster.new_entry(&write.index, key);
            let plan = self.plan(&entry, &write, parsed, true);
            let dispatch = self.cluster.begin_creating(plan, &entry).await?;
            return self.cluster.first_answer(dispatch, &write.index, changing).await.map(Begun::Answered);
        };
        let keyed = IndexEntry { primary_key: key, ..entry.clone() };
        let plan = self.plan(&keyed, &write, parsed, false);
        let dispatch = if keyed == entry {
            self.cluster.begin(plan).await?
        } else {
            self.cluster.begin_changing(plan, self.cluster.amend_index(keyed)).await?
        };
        Ok(Begun::Sent(Box::new(dispatch)))
    }

    /// One part of the payload for each node that keeps any of its shards. A new index is made known to every node,
    /// since any of them may be asked about it.
    fn plan(&self, entry: &IndexEntry, write: &DocumentWrite, parsed: Parsed, is_new: bool) -> WritePlan {
        let placement = self.cluster.placement(entry.shard_count);
        let Parsed { payload, changed } = parsed;
        let payload = Arc::new(payload);
        let touched = payload.shards();
        let empty = payload.document_count() == 0;
        // A server takes an empty payload and makes its task succeed; so does every node.
        let reached = if empty { ShardSet::all(entry.shard_count) } else { touched.clone() };
        let mut targets: BTreeMap<_, Target> = placement
            .write_targets(&reached)
            .into_iter()
            .map(|(node, shards)| {
                let documents = payload.part(&shards);
                let add = WriteOperation::DocumentsAdd {
                    primary_key: entry.primary_key.clone(),
                    mode: write.mode,
                    documents,
                };
                (node, Target { shards, writes: vec![add] })
            })
            .collect();
        if is_new {
            for node in self.cluster.topology.nodes() {
                let target = targets
                    .entry(node.clone())
                    .or_insert_with(|| Target { shards: ShardSet::default(), writes: Vec::new() });
                target.writes.splice(0..0, new_index_writes(entry));
            }
        }
        let details = documents_added(payload.document_count(), payload.distinct_count());
        WritePlan {
            kind: TaskKind::DocumentAdditionOrUpdate,
            index: write.index.clone(),
            shard_count: entry.shard_count,
            touched: reached,
            targets,
            details: Some(details),
            custom_metadata: write.custom_metadata.clone(),
            settings_version: is_new.then_some(entry.settings_version),
            changes: changed.map(|what| PendingChanges::of(entry, change_kind(write.mode), what)),
        }
    }

    async fn delete(
        &self,
        index: IndexUid,
        selection: DocumentSelection,
        custom_metadata: Option<String>,
    ) -> Result<Accepted, ApiError> {
        let ids = match &selection {
            DocumentSelection::Ids(values) => parse_ids(values)?,
            DocumentSelection::Filter(_) | DocumentSelection::All => Vec::new(),
        };
        let details = Some(delete_details(&selection));
        let relying = self.cluster.gates.rely(&index).await;
        let Some(entry) = self.cluster.store.index_get(&index).await? else {
            let failure =
                InvalidRequest::new(ErrorCode::IndexNotFound, format!("Index `{index}` not found."));
            let kind = TaskKind::DocumentDeletion;
            return self.cluster.record_failure(kind, &index, failure, details, custom_metadata).await;
        };
        let placement = self.cluster.placement(entry.shard_count);
        let kind = TaskKind::DocumentDeletion;
        let gone = if self.cluster.changes.is_on() { deleted(&selection, &ids) } else { None };
        let changes = gone.map(|what| PendingChanges::of(&entry, ChangeKind::Deleted, what));
        let plan = match selection {
            // An empty list is a task that deletes nothing, on every node as on one.
            DocumentSelection::Ids(_) if !ids.is_empty() => delete_by_id(index, &placement, ids),
            DocumentSelection::Ids(_) => {
                WritePlan::broadcast(kind, index, &placement, &[WriteOperation::DocumentsDelete(Vec::new())])
            }
            DocumentSelection::Filter(filter) => WritePlan::broadcast(
                kind,
                index,
                &placement,
                &[WriteOperation::DocumentsDeleteByFilter(filter)],
            ),
            DocumentSelection::All => {
                WritePlan::broadcast(kind, index, &placement, &[WriteOperation::DocumentsDeleteAll])
            }
        };
        let dispatch = self.cluster.begin(WritePlan { details, custom_metadata, changes, ..plan }).await?;
        drop(relying);
        dispatch.run().await
    }

    /// Reads the payload, and where sinks are told of writes what it changes.
    async fn parse(
        &self,
        write: &DocumentWrite,
        key: Option<&PrimaryKey>,
        shard_count: u32,
    ) -> Result<Parsed, PayloadError> {
        let recorder = &self.cluster.changes;
        let (is_on, with_documents) = (recorder.is_on(), recorder.wants_documents());
        let (format, body, index) = (write.format, write.body.clone(), write.index.clone());
        let key = key.cloned();
        let read = move || {
            let payload = Payload::parse(format, body, &index, key.as_ref(), shard_count)?;
            let changed = if is_on { Changed::of_payload(&payload, with_documents) } else { None };
            Ok(Parsed { payload, changed })
        };
        if write.body.len() <= PARSE_INLINE_BYTES {
            return read();
        }
        tokio::task::spawn_blocking(read).await.unwrap_or_else(|error| {
            // The reader panicked or the process is shutting down; either way this request cannot be served.
            Err(PayloadError::Refused(InvalidRequest::new(
                ErrorCode::Internal,
                format!("reading the payload was interrupted: {error}"),
            )))
        })
    }

    async fn fail(&self, write: &DocumentWrite, failure: InvalidRequest) -> Result<Begun, ApiError> {
        // Reading stops at the first bad document, so how many there are is not known.
        let details = Some(documents_added(0, 0));
        let accepted = self
            .cluster
            .record_failure(
                TaskKind::DocumentAdditionOrUpdate,
                &write.index,
                failure,
                details,
                write.custom_metadata.clone(),
            )
            .await?;
        Ok(Begun::Answered(accepted))
    }
}

impl DocumentService {
    /// One document, from the first of `indexes` (not empty) that has it.
    pub async fn document_of(
        &self,
        indexes: &[IndexUid],
        id: String,
        parameters: Map<String, Value>,
    ) -> Result<ReadResponse, ApiError> {
        document_read::get_of(&self.cluster, indexes, id, parameters).await
    }

    /// A page of the documents of `indexes` (not empty), one index after the other.
    pub async fn documents_of(
        &self,
        indexes: &[IndexUid],
        parameters: Map<String, Value>,
    ) -> Result<ReadResponse, ApiError> {
        document_read::list(&self.cluster, indexes, parameters).await
    }
}

#[async_trait]
impl DocumentApi for DocumentService {
    async fn documents_write(&self, write: DocumentWrite) -> Result<Accepted, ApiError> {
        let service = self.clone();
        detached(async move {
            match service.begin_write(write).await? {
                Begun::Sent(dispatch) => dispatch.run().await,
                Begun::Answered(accepted) => Ok(accepted),
            }
        })
        .await
    }

    async fn documents_delete(
        &self,
        index: IndexUid,
        selection: DocumentSelection,
        custom_metadata: Option<String>,
    ) -> Result<Accepted, ApiError> {
        let service = self.clone();
        detached(async move { service.delete(index, selection, custom_metadata).await }).await
    }

    async fn document_get(
        &self,
        index: IndexUid,
        id: String,
        parameters: Map<String, Value>,
    ) -> Result<ReadResponse, ApiError> {
        self.document_of(&[index], id, parameters).await
    }

    async fn document_list(
        &self,
        index: IndexUid,
        parameters: Map<String, Value>,
    ) -> Result<ReadResponse, ApiError> {
        self.documents_of(&[index], parameters).await
    }
}

/// What a node is told of an index before its first documents.
fn new_index_writes(entry: &IndexEntry) -> [WriteOperation; 2] {
    [
        WriteOperation::IndexCreate { primary_key: entry.primary_key.clone() },
        WriteOperation::Settings(initial_for_nodes()),
    ]
}

/// The failure of a write that names another primary key than the index has.
fn other_key(entry: &IndexEntry, explicit: Option<&PrimaryKey>) -> Option<InvalidRequest> {
    let known = entry.primary_key.as_ref()?;
    explicit.filter(|key| *key != known)?;
    Some(InvalidRequest::new(
        ErrorCode::IndexPrimaryKeyAlreadyExists,
        format!("Index `{}` already has a primary key: `{}`.", entry.uid, known.as_str()),
    ))
}

fn change_kind(mode: WriteMode) -> ChangeKind {
    match mode {
        WriteMode::Replace => ChangeKind::Upserted,
        WriteMode::Update => ChangeKind::Updated,
    }
}

/// What a deletion deletes; none when it names nothing.
fn deleted(selection: &DocumentSelection, ids: &[DocumentId]) -> Option<Changed> {
    match selection {
        DocumentSelection::Ids(_) => {
            (!ids.is_empty()).then(|| Changed::Documents { ids: ids.to_vec(), texts: None })
        }
        DocumentSelection::Filter(filter) => Some(Changed::Matching(filter.clone())),
        DocumentSelection::All => Some(Changed::All),
    }
}

fn delete_by_id(index: IndexUid, placement: &Placement, ids: Vec<DocumentId>) -> WritePlan {
    let located: Vec<_> =
        ids.into_iter().map(|id| (shard_of(id.as_str(), placement.shard_count()), id)).collect();
    let touched: ShardSet = located.iter().map(|(shard, _)| *shard).collect();
    let targets = placement
        .write_targets(&touched)
        .into_iter()
        .map(|(node, shards)| {
            let kept = located.iter().filter(|(shard, _)| shards.contains(*shard));
            let ids = kept.map(|(_, id)| id.clone()).collect();
            (node, Target { shards, writes: vec![WriteOperation::DocumentsDelete(ids)] })
        })
        .collect();
    WritePlan {
        kind: TaskKind::DocumentDeletion,
        index,
        shard_count: placement.shard_count(),
        touched,
        targets,
        details: None,
        custom_metadata: None,
        settings_version: None,
        changes: None,
    }
}

fn delete_details(selection: &DocumentSelection) -> Map<String, Value> {
    match selection {
        DocumentSelection::Ids(values) => documents_deleted_by_ids(values.len()),
        DocumentSelection::Filter(filter) => documents_deleted_by_filter(filter),
        DocumentSelection::All => everything_deleted(),
    }
}
