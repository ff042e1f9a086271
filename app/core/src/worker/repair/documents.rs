//! Repairs the documents of shards with missed writes: compares the two copies page by page, and copies what
//! differs, until a comparison of all documents finds no difference.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use miroir_domain::document::{DocumentId, same_document, shard_filter};
use miroir_domain::write::WriteOperation;
use miroir_domain::{NodeId, PhysicalUid, ShardSet};
use miroir_ports::outbound::RepairStep;
use parking_lot::Mutex;
use serde_json::Value;

use super::error::RepairError;
use super::listing::{Attributes, Document, Listing};
use super::pace::{Pace, RequestSize};
use super::part::{Loaded, Part};
use super::wait::{pass, send_in_turn, wait_for_success};
use super::walk::Walk;
use crate::cluster::Cluster;
use crate::order::Ticket;

/// The documents up to which several shards are repaired together.
const AT_ONCE: u64 = 5_000;
/// The ids of one page.
const IDS: u64 = 5_000;
/// The comparisons of all documents. The first finds what differs, the second that nothing does any more.
const COMPARISONS: u32 = 6;
/// The comparisons of documents that are written meanwhile. Then they are copied, whether they differ or not.
const AGAIN: u32 = 2;

/// Repairs `shards` of `index` on `node` from `source`: all of them if they are small, else the first one.
/// Returns those that are repaired.
pub(super) async fn repair(
    cluster: &Arc<Cluster>,
    pace: &Pace,
    index: &PhysicalUid,
    node: &NodeId,
    source: &NodeId,
    shards: &ShardSet,
) -> Result<ShardSet, RepairError> {
    // Before anything is read: what the node misses from now on stays on record.
    let seen = cluster.replicas.see(index, node).await?;
    let Some(entry) = cluster.registry.at(index).await? else {
        cluster.replicas.repaired(&seen.of_shards(shards)).await?;
        return Ok(shards.clone());
    };
    let Some(primary_key) = entry.primary_key.clone() else {
        return repair_without_key(cluster, index, node, shards).await;
    };
    let listing = Listing { index: index.clone(), primary_key, shards: shards.clone() };
    let (listing, at_source) = small_enough(cluster, listing, source).await?;
    let at_target = listing.count(cluster, node).await?;
    let shards = listing.shards.clone();
    // Each comparison reads both copies.
    cluster.repairs.begin(index, node, shards.clone(), 2 * (at_source + at_target));
    let mut part = Part {
        cluster,
        pace,
        entry,
        listing,
        source,
        target: node,
        watch: cluster.order.watch(&index.name()),
        reads: RequestSize::default(),
        writes: RequestSize::default(),
        passed: Mutex::default(),
    };
    for _ in 0..COMPARISONS {
        if part.compare_all().await? > 0 {
            continue;
        }
        part.reach(RepairStep::Confirm);
        part.pass(&[source, node]).await?;
        // An index that took the place of this one has states of its own.
        let _guard = part.lock().await?;
        cluster.replicas.repaired(&seen.of_shards(&shards)).await?;
        return Ok(shards);
    }
    Err(RepairError::NotNow(format!(
        "documents of shards {shards} of index `{index}` differ on nodes `{source}` and `{node}` after {COMPARISONS} \
         attempts to make them equal"
    )))
}

/// Returns the listing of all shards with the number of their documents, or that of the first one if they
/// have too many.
pub(super) async fn small_enough(
    cluster: &Cluster,
    listing: Listing,
    source: &NodeId,
) -> Result<(Listing, u64), RepairError> {
    let all = listing.count(cluster, source).await?;
    if all <= AT_ONCE || listing.shards.len() == 1 {
        return Ok((listing, all));
    }
    let first = Listing { shards: listing.shards.iter().take(1).collect(), ..listing };
    let count = first.count(cluster, source).await?;
    Ok((first, count))
}

/// Removes the documents of shards that `node` does not keep any more. No write to them reaches the node.
pub(super) async fn remove_foreign(
    cluster: &Arc<Cluster>,
    index: &PhysicalUid,
    node: &NodeId,
    shards: &ShardSet,
) -> Result<(), RepairError> {
    let seen = cluster.replicas.see(index, node).await?.of_shards(shards);
    let watch = cluster.order.watch(&index.name());
    // A write by the former topology whose response was lost may still be on its way.
    if let Some(ticket) = watch.take_places([node]).1.remove(node) {
        pass(cluster, index, node, ticket).await?;
    }
    let ticket = watch.take_places([node]).1.remove(node);
    remove(cluster, index, node, ticket, shards).await?;
    Ok(cluster.replicas.repaired(&seen).await?)
}

/// Repairs shards of an index that has no primary key yet, and thus no documents.
async fn repair_without_key(
    cluster: &Arc<Cluster>,
    index: &PhysicalUid,
    node: &NodeId,
    shards: &ShardSet,
) -> Result<ShardSet, RepairError> {
    let seen = cluster.replicas.see(index, node).await?.of_shards(shards);
    // The first write, which decides the key, takes its place under the lock for writing.
    let guard = cluster.order.lock_read(&index.name()).await;
    if cluster.registry.at(index).await?.is_none_or(|entry| entry.primary_key.is_some()) {
        return Ok(ShardSet::default());
    }
    let ticket = cluster.order.watch(&index.name()).take_places([node]).1.remove(node);
    drop(guard);
    remove(cluster, index, node, ticket, shards).await?;
    cluster.replicas.repaired(&seen).await?;
    Ok(shards.clone())
}

async fn remove(
    cluster: &Cluster,
    index: &PhysicalUid,
    node: &NodeId,
    ticket: Option<Ticket>,
    shards: &ShardSet,
) -> Result<(), RepairError> {
    let removal = WriteOperation::DocumentsDeleteByFilter(Value::String(shard_filter(shards)));
    // The place was taken for this node, so its ticket is there.
    let Some(ticket) = ticket else { return Ok(()) };
    let sent = send_in_turn(cluster, index, node, ticket, vec![removal]).await?;
    wait_for_success(cluster, node, sent.uids).await
}

impl Part<'_> {
    /// Compares all documents, copies those that differ, and returns their number.
    async fn compare_all(&mut self) -> Result<u64, RepairError> {
        Ok(self.compare_with_source().await? + self.remove_others().await?)
    }

    /// Compares the documents that the source has.
    async fn compare_with_source(&mut self) -> Result<u64, RepairError> {
        let mut walk = Walk::new(self.source, Attributes::All);
        let mut differing = 0;
        loop {
            let position = self.pass(&[self.source, self.target]).await?;
            let limit = self.reads.documents() as u64;
            let Some(page) = walk.next(self.cluster, &self.listing, &self.watch, limit).await? else {
                return Ok(differing);
            };
            let ids = page.ids();
            self.reads = self.reads.after_read(ids.len() as u64, page.bytes);
            let loaded = Loaded { position, documents: page.documents.into_iter().collect() };
            let found = self.compare(&ids, &loaded).await?;
            differing += found.differing;
            self.bring(found.copied, Some(&loaded)).await?;
            self.bring(found.unknown, None).await?;
            self.proceed(ids.len(), walk.position().min(position)).await;
        }
    }

    /// Compares documents of the source with those of the target.
    async fn compare(
        &mut self,
        ids: &BTreeSet<DocumentId>,
        loaded: &Loaded,
    ) -> Result<Comparison, RepairError> {
        let mut found = Comparison::default();
        self.compare_once(ids, loaded, &mut found).await?;
        for _ in 0..AGAIN {
            let again = std::mem::take(&mut found.unknown);
            if again.is_empty() {
                break;
            }
            let position = self.pass(&[self.source, self.target]).await?;
            let documents = self.listing.by_ids(self.cluster, self.source, &again, Attributes::All).await?;
            let copied = std::mem::take(&mut found.copied);
            self.compare_once(&again, &Loaded { position, documents }, &mut found).await?;
            // Those that were found to differ now are read again before they are copied.
            let differing = std::mem::replace(&mut found.copied, copied);
            found.unknown.extend(differing);
        }
        Ok(found)
    }

    async fn compare_once(
        &self,
        ids: &BTreeSet<DocumentId>,
        loaded: &Loaded,
        found: &mut Comparison,
    ) -> Result<(), RepairError> {
        self.reach(RepairStep::Compare);
        let theirs = self.listing.by_ids(self.cluster, self.target, ids, Attributes::All).await?;
        // One that was written since may have been read before on one node and after on the other.
        let written = self.watch.since(loaded.position);
        for id in ids {
            if written.contains(id) {
                found.unknown.insert(id.clone());
            } else if !is_equal(&loaded.documents, &theirs, id) {
                found.differing += 1;
                found.copied.insert(id.clone());
            }
        }
        Ok(())
    }

    /// Deletes the documents that the target has and the source does not, and returns their number.
    async fn remove_others(&mut self) -> Result<u64, RepairError> {
        let mut walk = Walk::new(self.target, Attributes::Id);
        let mut differing = 0;
        loop {
            let position = self.pass(&[self.source, self.target]).await?;
            let Some(page) = walk.next(self.cluster, &self.listing, &self.watch, IDS).await? else {
                return Ok(differing);
            };
            let mut ids = page.ids();
            let count = ids.len();
            let at_source = self.listing.by_ids(self.cluster, self.source, &ids, Attributes::Id).await?;
            let written = self.watch.since(position);
            ids.retain(|id| !at_source.contains_key(id));
            differing += ids.iter().filter(|id| !written.contains(id)).count() as u64;
            // Read again: one that was written since may be there now.
            self.bring(ids, None).await?;
            self.proceed(count, walk.position().min(position)).await;
        }
    }

    /// Counts documents that were compared, and keeps the pace.
    async fn proceed(&self, documents: usize, position: u64) {
        self.watch.forget(position);
        self.cluster.repairs.compared(&self.entry.physical_uid, self.target, documents as u64);
        self.pace.keep(documents).await;
    }
}

/// The outcome of a comparison of some documents.
#[derive(Debug, Default)]
struct Comparison {
    /// The number of those that certainly differ.
    differing: u64,
    /// Those that differ, to be copied as they were read.
    copied: BTreeSet<DocumentId>,
    /// Those that were written meanwhile, to be read again and copied.
    unknown: BTreeSet<DocumentId>,
}

/// Returns whether a document is the same in both, or in none.
pub(super) fn is_equal(
    one: &HashMap<DocumentId, Document>,
    other: &HashMap<DocumentId, Document>,
    id: &DocumentId,
) -> bool {
    match (one.get(id), other.get(id)) {
        (Some(one), Some(other)) => same_document(one, other),
        (one, other) => one.is_none() && other.is_none(),
    }
}
