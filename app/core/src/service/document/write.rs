//! Adds documents: the payload is cut by shard, and one task stands for the node tasks behind it.

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

use crate::cluster::{Cluster, IndexGuard, Target, WritePlan};

/// Bodies up to this size are parsed on the spot, larger ones on a thread that may block.
const PARSE_INLINE_BYTES: usize = 64 * 1024;

/// Writes documents: locks the index, parses the payload, records and sends the write.
pub(super) async fn write(cluster: &Arc<Cluster>, write: DocumentWrite) -> Result<Accepted, ApiError> {
    let explicit = write.primary_key.as_deref().map(PrimaryKey::parse).transpose()?;
    let LockedIndex { entry, guard } = lock(cluster, &write).await?;
    if let Some(failure) = entry.as_ref().and_then(|entry| key_conflict(entry, explicit.as_ref())) {
        return record_failure(cluster, &write, failure).await;
    }
    let known_key = entry.as_ref().and_then(|entry| entry.primary_key.clone()).or(explicit);
    let shard_count = entry.as_ref().map_or(cluster.shard_count, |entry| entry.shard_count);
    let parsed = match parse(cluster, &write, known_key.clone(), shard_count).await {
        Ok(parsed) => parsed,
        Err(PayloadError::Failed(failure)) => return record_failure(cluster, &write, failure).await,
        Err(PayloadError::Refused(refusal)) => return Err(refusal.into()),
    };
    let primary_key = known_key.or_else(|| parsed.payload.primary_key().cloned());
    let Some(entry) = entry else {
        let entry = cluster.new_entry(&write.index, primary_key);
        let plan = plan(cluster, &entry, &write, parsed, true);
        let dispatch = cluster.begin_creating(plan, &entry).await?;
        return cluster.first_answer(dispatch, &write.index, guard).await;
    };
    let keyed = IndexEntry { primary_key, ..entry.clone() };
    let plan = plan(cluster, &keyed, &write, parsed, false);
    let dispatch = if keyed == entry {
        cluster.begin(plan).await?
    } else {
        cluster.begin_changing(plan, cluster.amend_index(keyed)).await?
    };
    // The write has its place in the queues, so the registry entry may change again.
    drop(guard);
    dispatch.run().await
}

/// The index of a write, locked.
struct LockedIndex {
    /// Its registry entry; `None` if the write creates it.
    entry: Option<IndexEntry>,
    guard: IndexGuard,
}

/// Locks the index of a write. An index whose primary key is known is locked for reading, so that writes to it run side by
/// side. An index that is new, or has no key yet, is locked for writing, since the first write decides its key.
async fn lock(cluster: &Cluster, write: &DocumentWrite) -> Result<LockedIndex, StoreError> {
    let guard = cluster.locks.read(&write.index).await;
    let entry = cluster.store.index_get(&write.index).await?;
    if entry.as_ref().is_some_and(|entry| entry.primary_key.is_some()) {
        return Ok(LockedIndex { entry, guard });
    }
    drop(guard);
    let guard = cluster.locks.write(&write.index).await;
    // Read again: another write may have decided the key in between.
    let entry = cluster.store.index_get(&write.index).await?;
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
    cluster.record_failure(kind, &write.index, failure, details, write.custom_metadata.clone()).await
}

/// A payload, and what it changes for change data capture.
struct Parsed {
    payload: Payload,
    changed: Option<Changed>,
}

/// Parses the payload and, where sinks follow writes, what it changes.
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

/// Plans one part of the payload for each node that keeps any of its shards. A new index is made known to every node,
/// since any of them may be asked about it.
fn plan(
    cluster: &Cluster,
    entry: &IndexEntry,
    write: &DocumentWrite,
    parsed: Parsed,
    is_new: bool,
) -> WritePlan {
    let placement = cluster.placement(entry.shard_count);
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
        for node in cluster.topology.nodes() {
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
        ..WritePlan::empty(TaskKind::DocumentAdditionOrUpdate, write.index.clone(), entry.shard_count)
    }
}

/// Returns the writes that make an index known to a node before its first documents.
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
