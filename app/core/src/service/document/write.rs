//! Adds documents: divides the payload by shard, and records one task for all node tasks.

use std::collections::BTreeMap;
use std::sync::Arc;

use miroir_domain::ShardSet;
use miroir_domain::change::{ChangeKind, Changed, PendingChanges};
use miroir_domain::document::PrimaryKey;
use miroir_domain::error::{ErrorCode, InvalidRequest};
use miroir_domain::index::IndexEntry;
use miroir_domain::payload::{Payload, PayloadError};
use miroir_domain::settings::initial_for_nodes;
use miroir_domain::task::TaskKind;
use miroir_domain::task::details::documents_added;
use miroir_domain::write::{WriteMode, WriteOperation};
use miroir_ports::inbound::{Accepted, ApiError, DocumentWrite};
use miroir_ports::outbound::StoreError;

use crate::cluster::Cluster;
use crate::order::IndexGuard;
use crate::write::{Dispatch, Target, WritePlan, begin_change, begin_creation, finish_creation};

/// The size up to which a body is parsed on the thread of the request. Larger ones are parsed on a blocking
/// thread.
const PARSE_INLINE_BYTES: usize = 64 * 1024;

/// Writes documents: locks the index, parses the payload, records and sends the write.
pub(super) async fn write(cluster: &Arc<Cluster>, write: DocumentWrite) -> Result<Accepted, ApiError> {
    let explicit = write.primary_key.as_deref().map(PrimaryKey::parse).transpose()?;
    let LockedIndex { entry, guard } = lock(cluster, &write).await?;
    if let Some(failure) = entry.as_ref().and_then(|entry| key_conflict(entry, explicit.as_ref())) {
        return record_failure(cluster, &write, failure).await;
    }
    let known_key = entry.as_ref().and_then(|entry| entry.primary_key.clone()).or(explicit);
    let shard_count =
        entry.as_ref().map_or(cluster.placements.default_shard_count(), |entry| entry.shard_count);
    let parsed = match parse(cluster, &write, known_key.clone(), shard_count).await {
        Ok(parsed) => parsed,
        Err(PayloadError::Failed(failure)) => return record_failure(cluster, &write, failure).await,
        Err(PayloadError::Refused(refusal)) => return Err(refusal.into()),
    };
    let primary_key = known_key.or_else(|| parsed.payload.primary_key().cloned());
    let Some(entry) = entry else {
        let entry = cluster.registry.new_entry(&write.index, primary_key).await?;
        let plan = plan(cluster, &entry, &write, parsed, true);
        let dispatch = begin_creation(cluster, plan, &entry, None).await?;
        return finish_creation(cluster, dispatch, &entry, guard).await;
    };
    let keyed = IndexEntry { primary_key, ..entry.clone() };
    let plan = plan(cluster, &keyed, &write, parsed, false);
    let dispatch = if keyed == entry {
        Dispatch::begin(cluster, plan).await?
    } else {
        begin_change(cluster, plan, |_| cluster.registry.replace(keyed)).await?
    };
    // The write has its place in the queues, so the registry entry may change again.
    drop(guard);
    dispatch.run().await
}

/// The index of a write, locked.
struct LockedIndex {
    /// Its registry entry, or `None` if the write creates it.
    entry: Option<IndexEntry>,
    guard: IndexGuard,
}

/// Locks the index of a write. An index with a primary key is locked for reading, so that writes to it run
/// in parallel. An index that is new, or has no key yet, is locked for writing, since the first write
/// decides its key.
async fn lock(cluster: &Cluster, write: &DocumentWrite) -> Result<LockedIndex, StoreError> {
    let guard = cluster.order.lock_read(&write.index).await;
    let entry = cluster.registry.get(&write.index).await?;
    if entry.as_ref().is_some_and(|entry| entry.primary_key.is_some()) {
        return Ok(LockedIndex { entry, guard });
    }
    drop(guard);
    let guard = cluster.order.lock_write(&write.index).await;
    // Read again: another write may have decided the key in between.
    let entry = cluster.registry.get(&write.index).await?;
    Ok(LockedIndex { entry, guard })
}

/// Returns the failure of a write that names another primary key than the index has.
fn key_conflict(entry: &IndexEntry, explicit: Option<&PrimaryKey>) -> Option<InvalidRequest> {
    let known = entry.primary_key.as_ref()?;
    explicit.filter(|key| *key != known)?;
    Some(InvalidRequest::new(
        ErrorCode::IndexPrimaryKeyAlreadyExists,
        format!("Index `{}` already has a primary key: `{}`.", entry.uid, known.as_str()),
    ))
}

async fn record_failure(
    cluster: &Cluster,
    write: &DocumentWrite,
    failure: InvalidRequest,
) -> Result<Accepted, ApiError> {
    // Parsing stops at the first bad document, so the number of documents is not known.
    let details = Some(documents_added(0, 0));
    let kind = TaskKind::DocumentAdditionOrUpdate;
    cluster.tasks.create_failed(kind, &write.index, failure, details, write.custom_metadata.clone()).await
}

/// A payload, and the documents that it changes, for change data capture.
struct Parsed {
    payload: Payload,
    changed: Option<Changed>,
}

/// Parses the payload. If there are sinks, returns the documents that it changes as well.
async fn parse(
    cluster: &Cluster,
    write: &DocumentWrite,
    key: Option<PrimaryKey>,
    shard_count: u32,
) -> Result<Parsed, PayloadError> {
    let (is_on, with_documents) = (cluster.changes.is_on(), cluster.changes.wants_documents());
    let (format, body, index) = (write.format, write.body.clone(), write.index.clone());
    let read = move || {
        let payload = Payload::parse(format, body, &index, key.as_ref(), shard_count)?;
        let changed = if is_on { Changed::of_payload(&payload, with_documents) } else { None };
        Ok(Parsed { payload, changed })
    };
    if write.body.len() <= PARSE_INLINE_BYTES {
        return read();
    }
    tokio::task::spawn_blocking(read).await.unwrap_or_else(|error| {
        // The parser panicked or the process is shutting down; either way this request cannot be served.
        Err(PayloadError::Refused(InvalidRequest::new(
            ErrorCode::Internal,
            format!("reading the payload was interrupted: {error}"),
        )))
    })
}

/// Plans one part of the payload for each node that has any of its shards. Every node gets a new index,
/// since any of them may serve a read of it.
fn plan(
    cluster: &Cluster,
    entry: &IndexEntry,
    write: &DocumentWrite,
    parsed: Parsed,
    is_new: bool,
) -> WritePlan {
    let placement = cluster.placements.of(entry.shard_count);
    let Parsed { payload, changed } = parsed;
    let payload = Arc::new(payload);
    // A server accepts an empty payload and its task succeeds; so does every node.
    let is_empty = payload.document_count() == 0;
    let touched = if is_empty { ShardSet::all(entry.shard_count) } else { payload.shards() };
    let mut targets: BTreeMap<_, Target> = placement
        .write_targets(&touched)
        .into_iter()
        .map(|(node, shards)| {
            let add = WriteOperation::DocumentsAdd {
                primary_key: entry.primary_key.clone(),
                mode: write.mode,
                documents: payload.part(&shards),
            };
            (node, Target { shards, writes: vec![add] })
        })
        .collect();
    if is_new {
        for node in cluster.placements.topology().nodes() {
            let target = targets.entry(node.clone()).or_default();
            target.writes.splice(0..0, new_index_writes(entry));
        }
    }
    WritePlan {
        touched,
        targets,
        details: Some(documents_added(payload.document_count(), payload.distinct_count())),
        custom_metadata: write.custom_metadata.clone(),
        settings_version: is_new.then_some(entry.settings_version),
        changes: changed.map(|what| PendingChanges::of(entry, change_kind(write.mode), what)),
        ..WritePlan::empty(TaskKind::DocumentAdditionOrUpdate, entry)
    }
}

/// Returns the writes that create an index on a node before its first documents.
fn new_index_writes(entry: &IndexEntry) -> [WriteOperation; 2] {
    [
        WriteOperation::IndexCreate { primary_key: entry.primary_key.clone() },
        WriteOperation::Settings(initial_for_nodes()),
    ]
}

fn change_kind(mode: WriteMode) -> ChangeKind {
    match mode {
        WriteMode::Replace => ChangeKind::Upserted,
        WriteMode::Update => ChangeKind::Updated,
    }
}
