//! Comparison of replicas none of which is in sync.
//!
//! After a task store was restored, nothing says which replica has the newest writes. If all replicas of a
//! shard are equal, they are in sync: a write that was acknowledged is on one of them at least, and so on
//! all. If they differ, an operator has to decide which one is right.

use std::collections::BTreeSet;
use std::sync::Arc;

use miroir_domain::document::DocumentId;
use miroir_domain::placement::shard_of;
use miroir_domain::{NodeId, PhysicalUid, ShardSet};
use miroir_ports::outbound::RepairStep;
use parking_lot::Mutex;

use super::documents::{is_equal, small_enough};
use super::error::RepairError;
use super::listing::{Attributes, Listing};
use super::pace::{Pace, RequestSize};
use super::part::Part;
use super::walk::Walk;
use crate::cluster::Cluster;

/// The documents of one page.
const PAGE: u64 = 1_000;

/// The comparisons of documents that are written meanwhile.
const AGAIN: u32 = 10;

/// Compares `shards` of `index`, or the first of them if they are large, on all of `nodes`. Records those
/// that are equal as in sync.
///
/// # Errors
///
/// Fails with the shards that differ, if there are any.
pub(super) async fn compare(
    cluster: &Arc<Cluster>,
    pace: &Pace,
    index: &PhysicalUid,
    nodes: &[NodeId],
    shards: &ShardSet,
) -> Result<(), RepairError> {
    let Some((first, others)) = nodes.split_first() else { return Ok(()) };
    // Before anything is read: what a node misses from now on stays on record.
    let mut seen = Vec::new();
    for node in nodes {
        seen.push(cluster.replicas.see(index, node).await?);
    }
    let Some(entry) = cluster.registry.at(index).await? else { return Ok(()) };
    let Some(primary_key) = entry.primary_key.clone() else {
        return Err(RepairError::NotNow(format!("index `{index}` has no primary key yet")));
    };
    let listing = Listing { index: index.clone(), primary_key, shards: shards.clone() };
    let (listing, _) = small_enough(cluster, listing, first).await?;
    let shards = listing.shards.clone();
    let mut differing = ShardSet::default();
    for other in others {
        let mut part = Part {
            cluster,
            pace,
            entry: entry.clone(),
            listing: listing.clone(),
            source: first,
            target: other,
            watch: cluster.order.watch(&index.name()),
            reads: RequestSize::default(),
            writes: RequestSize::default(),
            passed: Mutex::default(),
        };
        differing = differing.union(&part.differing_shards().await?);
        // An index that took the place of this one has states of its own.
        drop(part.lock().await?);
    }
    let equal = shards.difference(&differing);
    for seen in seen {
        cluster.replicas.repaired(&seen.of_shards(&equal)).await?;
    }
    if differing.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = nodes.iter().map(|node| format!("`{node}`")).collect();
    Err(RepairError::NotNow(format!(
        "shards {differing} of index `{index}` differ on nodes {}, and it is not known which of them is right: accept the data \
         of one with `miroir node adopt <node>`",
        names.join(", ")
    )))
}

impl Part<'_> {
    /// Returns the shards of which some documents differ on the two nodes.
    async fn differing_shards(&mut self) -> Result<ShardSet, RepairError> {
        self.reach(RepairStep::Compare);
        let mut differing = ShardSet::default();
        for (walked, attributes) in [(self.source, Attributes::All), (self.target, Attributes::Id)] {
            let mut walk = Walk::new(walked, attributes);
            loop {
                self.pass_writes(&[self.source, self.target]).await?;
                let Some(page) = walk.next(self.cluster, &self.listing, &self.watch, PAGE).await? else {
                    break;
                };
                let ids = page.ids();
                let count = ids.len();
                for id in self.differing(ids).await? {
                    differing.insert(shard_of(id.as_str(), self.entry.shard_count));
                }
                self.pace.keep(count).await;
            }
        }
        Ok(differing)
    }

    /// Returns the documents among `ids` that differ after the same writes.
    async fn differing(&self, ids: BTreeSet<DocumentId>) -> Result<BTreeSet<DocumentId>, RepairError> {
        let mut differing = BTreeSet::new();
        let mut unknown = ids;
        for _ in 0..AGAIN {
            let position = self.pass_writes(&[self.source, self.target]).await?;
            let load = |node| self.listing.by_ids(self.cluster, node, &unknown, Attributes::All);
            let (ours, theirs) = (load(self.source).await?, load(self.target).await?);
            let written = self.watch.since(position);
            let (again, known): (BTreeSet<_>, BTreeSet<_>) =
                unknown.into_iter().partition(|id| written.contains(id));
            differing.extend(known.into_iter().filter(|id| !is_equal(&ours, &theirs, id)));
            if again.is_empty() {
                return Ok(differing);
            }
            unknown = again;
        }
        Err(RepairError::NotNow(format!("{} documents are written all the time", unknown.len())))
    }
}
