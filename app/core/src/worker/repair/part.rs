//! A part of a repair: some shards of one replica, with the node that they are copied from.
//!
//! Writes go on meanwhile, and reach both nodes. What makes a copy right is the order in the write queue of
//! the repaired node. Let a document be read after the source had carried out all writes up to a position `b`
//! of the write order, and its copy take its place in the queue at a position `p`. If no write between `b`
//! and `p` reaches the document, then the repaired node has after the copy what the source has at `p`, and
//! later writes change both alike. If one does, the copy may have undone it, and the document is copied
//! again, unless a write after `p` has replaced or deleted it, which does not depend on what was there
//! before.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;
use miroir_domain::change::{ChangeKind, Changed, PendingChanges};
use miroir_domain::document::DocumentId;
use miroir_domain::index::IndexEntry;
use miroir_domain::payload::{Payload, PayloadFormat};
use miroir_domain::write::{WriteMode, WriteOperation};
use miroir_domain::{NodeId, Shard, ShardSet};
use miroir_ports::outbound::{Occurrence, RepairStep};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::error::RepairError;
use super::listing::{Attributes, Document, Listing};
use super::pace::{Pace, RequestSize};
use super::wait::{pass, send_in_turn, wait_for_success};
use crate::cluster::Cluster;
use crate::order::{IndexGuard, Ticket, Watch, Written};

/// The longest hold of the writes to documents that are written again and again.
const HOLD: Duration = Duration::from_millis(75);
/// The attempts to copy documents without a hold.
const WITHOUT_HOLD: u32 = 3;
/// The attempts to copy documents.
const ATTEMPTS: u32 = 40;
/// The most documents of a hold.
const HELD_DOCUMENTS: usize = 100;
/// The pause after a hold that was too short. Writes are let through meanwhile.
const PAUSE: Duration = Duration::from_millis(150);

/// A part of a repair.
pub(super) struct Part<'a> {
    pub cluster: &'a Arc<Cluster>,
    pub pace: &'a Pace,
    pub entry: IndexEntry,
    pub listing: Listing,
    pub source: &'a NodeId,
    pub target: &'a NodeId,
    pub watch: Watch,
    /// The size of requests that read, and of those that write and hold up other writes.
    pub reads: RequestSize,
    pub writes: RequestSize,
    /// The nodes that have carried out all writes up to a position of the watch.
    pub passed: Mutex<(u64, Vec<NodeId>)>,
}

/// Documents as the source had them after all writes up to a position; those that are absent it did not have.
pub(super) struct Loaded {
    pub position: u64,
    pub documents: HashMap<DocumentId, Document>,
}

/// The requests of a copy to the repaired node.
struct Copy {
    operations: Vec<WriteOperation>,
    payload: Option<Arc<Payload>>,
    documents: u64,
    bytes: u64,
}

impl Part<'_> {
    pub(super) fn shards(&self) -> &ShardSet {
        &self.listing.shards
    }

    /// Tells the observer of a step.
    pub(super) fn reach(&self, step: RepairStep) {
        self.cluster.observer.observe(Occurrence::RepairReached(step));
    }

    /// Waits until `nodes` have carried out every write so far, and returns the position of the last one.
    /// Fails if the source is not in sync any more.
    pub(super) async fn pass(&self, nodes: &[&NodeId]) -> Result<u64, RepairError> {
        let position = self.pass_writes(nodes).await?;
        // The outcome of its writes is known only now.
        if let Some(shard) = self.shards().iter().find(|shard| !self.is_complete(*shard)) {
            let source = self.source;
            return Err(RepairError::NotNow(format!(
                "node `{source}` is not healthy or not in sync any more in shard {shard}"
            )));
        }
        Ok(position)
    }

    /// Waits until `nodes` have carried out every write so far, and returns the position of the last one.
    pub(super) async fn pass_writes(&self, nodes: &[&NodeId]) -> Result<u64, RepairError> {
        let is_known = {
            let (position, passed) = &*self.passed.lock();
            let is_current = *position == self.watch.position();
            (is_current && nodes.iter().all(|node| passed.contains(node))).then_some(*position)
        };
        if let Some(position) = is_known {
            return Ok(position);
        }
        self.reach(RepairStep::CatchUp);
        let (position, tickets) = self.watch.take_places(nodes.iter().copied());
        let index = &self.entry.physical_uid;
        let waits = tickets
            .into_iter()
            .map(|(node, ticket)| async move { pass(self.cluster, index, &node, ticket).await });
        try_join_all(waits).await?;
        *self.passed.lock() = (position, nodes.iter().copied().cloned().collect());
        Ok(position)
    }

    fn is_complete(&self, shard: Shard) -> bool {
        super::plan::has_all(self.cluster, &self.entry.physical_uid, self.source, shard)
    }

    /// Locks the index for reading, and makes sure that it is the one for which the repair began.
    pub(super) async fn lock(&self) -> Result<IndexGuard, RepairError> {
        let index = &self.entry.uid;
        let guard = self.cluster.order.lock_read(index).await;
        match self.cluster.registry.at(&self.entry.physical_uid).await? {
            Some(entry) if is_same(&entry, &self.entry) => Ok(guard),
            _ => Err(RepairError::NotNow(format!("index `{index}` was deleted meanwhile"))),
        }
    }

    /// Reads the documents `ids` from the source.
    async fn load(&self, ids: &BTreeSet<DocumentId>) -> Result<Loaded, RepairError> {
        let position = self.pass(&[self.source]).await?;
        let documents = self.listing.by_ids(self.cluster, self.source, ids, Attributes::All).await?;
        Ok(Loaded { position, documents })
    }

    /// Gives the target the documents `ids` as the source has them. `loaded` is what is known of them.
    pub(super) async fn bring(
        &mut self,
        ids: BTreeSet<DocumentId>,
        loaded: Option<&Loaded>,
    ) -> Result<(), RepairError> {
        let mut rest = ids.into_iter().peekable();
        while rest.peek().is_some() {
            // The reads tell how large documents are before the first write.
            let most = self.writes.documents().min(self.reads.documents());
            let chunk = rest.by_ref().take(most).collect();
            self.bring_together(chunk, loaded).await?;
        }
        Ok(())
    }

    async fn bring_together(
        &mut self,
        ids: BTreeSet<DocumentId>,
        loaded: Option<&Loaded>,
    ) -> Result<(), RepairError> {
        let mut left = match loaded {
            Some(loaded) => self.copy(&ids, loaded).await?,
            None => ids,
        };
        for attempt in 0..ATTEMPTS {
            if left.is_empty() {
                return Ok(());
            }
            if attempt < WITHOUT_HOLD {
                let loaded = self.load(&left).await?;
                left = self.copy(&left, &loaded).await?;
                continue;
            }
            let some: BTreeSet<DocumentId> = left.iter().take(HELD_DOCUMENTS).cloned().collect();
            match self.copy_held(&some).await? {
                Some(again) => left.retain(|id| !some.contains(id) || again.contains(id)),
                None => tokio::time::sleep(PAUSE).await,
            }
        }
        Err(RepairError::NotNow(format!(
            "{} documents are written all the time, and node `{}` takes longer than {} ms for it",
            left.len(),
            self.source,
            HOLD.as_millis()
        )))
    }

    /// Copies documents, and returns those that have to be copied again.
    async fn copy(
        &mut self,
        ids: &BTreeSet<DocumentId>,
        loaded: &Loaded,
    ) -> Result<BTreeSet<DocumentId>, RepairError> {
        let copy = self.prepare(ids, loaded)?;
        let guard = self.lock().await?;
        let place = self.take_place(loaded.position);
        drop(guard);
        self.send(ids, copy, place).await
    }

    /// Copies documents while no writes to them take their places. Returns `None` if that takes too long.
    async fn copy_held(
        &mut self,
        ids: &BTreeSet<DocumentId>,
    ) -> Result<Option<BTreeSet<DocumentId>>, RepairError> {
        let guard = self.lock().await?;
        let begun = Instant::now();
        let outcome = {
            let hold = self.watch.hold(ids.clone());
            let load = async {
                let loaded = self.load(ids).await?;
                let copy = self.prepare(ids, &loaded)?;
                Ok::<_, RepairError>((copy, self.take_place(loaded.position)))
            };
            let outcome = timeout(HOLD, load).await;
            drop(hold);
            outcome
        };
        self.cluster.observer.observe(Occurrence::RepairHeld { duration: begun.elapsed() });
        drop(guard);
        match outcome {
            Ok(loaded) => {
                let (copy, place) = loaded?;
                self.send(ids, copy, place).await.map(Some)
            }
            Err(_) => Ok(None),
        }
    }

    /// Takes a place in the queue of the target, and returns it with its position and what was written after
    /// `position`.
    fn take_place(&self, position: u64) -> (u64, Option<Ticket>, Written) {
        let (place, mut tickets) = self.watch.take_places([self.target]);
        (place, tickets.remove(self.target), self.watch.since(position))
    }

    fn prepare(&self, ids: &BTreeSet<DocumentId>, loaded: &Loaded) -> Result<Copy, RepairError> {
        let (present, absent): (Vec<&DocumentId>, Vec<&DocumentId>) =
            ids.iter().partition(|id| loaded.documents.contains_key(*id));
        let mut copy = Copy { operations: Vec::new(), payload: None, documents: ids.len() as u64, bytes: 0 };
        if !absent.is_empty() {
            copy.operations.push(WriteOperation::DocumentsDelete(absent.into_iter().cloned().collect()));
        }
        if !present.is_empty() {
            let documents = present.into_iter().filter_map(|id| loaded.documents.get(id));
            let payload = read(&self.entry, documents.cloned().map(Value::Object).collect())?;
            let documents = payload.part(&ShardSet::all(self.entry.shard_count));
            copy.bytes = documents.content_length();
            copy.operations.push(WriteOperation::DocumentsAdd {
                primary_key: self.entry.primary_key.clone(),
                mode: WriteMode::Replace,
                documents,
            });
            copy.payload = Some(payload);
        }
        Ok(copy)
    }

    /// Sends a copy in its place, and returns the documents that have to be copied again.
    async fn send(
        &mut self,
        ids: &BTreeSet<DocumentId>,
        copy: Copy,
        (place, ticket, written): (u64, Option<Ticket>, Written),
    ) -> Result<BTreeSet<DocumentId>, RepairError> {
        let (cluster, index) = (self.cluster, &self.entry.physical_uid);
        self.reach(RepairStep::Copy);
        // The place was taken for this node, so its ticket is there.
        let Some(ticket) = ticket else { return Ok(ids.clone()) };
        let sent = send_in_turn(cluster, index, self.target, ticket, copy.operations).await?;
        wait_for_success(cluster, self.target, sent.uids).await?;
        self.writes = self.writes.after_write(copy.documents, copy.bytes, sent.held);
        cluster.observer.observe(Occurrence::RepairCopied { documents: copy.documents });
        cluster.repairs.copied(index, self.target, copy.documents);
        if let Some(payload) = copy.payload.filter(|_| cluster.changes.is_on()) {
            self.publish(&payload).await?;
        }
        let replaced = self.watch.replaced_since(place);
        Ok(ids.iter().filter(|id| written.contains(id) && !replaced.contains(id)).cloned().collect())
    }

    /// Tells sinks of the documents of a copy.
    async fn publish(&self, payload: &Payload) -> Result<(), RepairError> {
        let cluster = self.cluster;
        if let Some(documents) = Changed::of_payload(payload, cluster.changes.wants_documents()) {
            let changes = PendingChanges::of(&self.entry, ChangeKind::Upserted, documents);
            let now = cluster.clock.now();
            cluster.changes.repaired(cluster.store.as_ref(), &self.entry.uid, &changes, now).await?;
        }
        Ok(())
    }
}

/// Returns whether both are entries of one index, and not of one that took the place of the other.
fn is_same(one: &IndexEntry, other: &IndexEntry) -> bool {
    one.created_at == other.created_at
        && one.shard_count == other.shard_count
        && one.primary_key == other.primary_key
}

fn read(entry: &IndexEntry, documents: Vec<Value>) -> Result<Arc<Payload>, RepairError> {
    let body = Bytes::from(Value::Array(documents).to_string());
    let key = entry.primary_key.as_ref();
    let payload =
        Payload::parse(PayloadFormat::Json, body, &entry.uid, key, entry.shard_count).map_err(|error| {
            RepairError::NotNow(format!("a document read from a node cannot be written: {error}"))
        })?;
    Ok(Arc::new(payload))
}
