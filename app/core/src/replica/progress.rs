//! The progress of repairs, for operators.

use std::collections::{BTreeSet, HashMap};

use miroir_domain::{NodeId, PhysicalUid, ShardSet};
use miroir_ports::outbound::RepairProgress;
use parking_lot::Mutex;
use tokio::time::Instant;

/// The progress of the repairs of a term.
#[derive(Debug, Default)]
pub struct RepairLog(Mutex<HashMap<(PhysicalUid, NodeId), Record>>);

#[derive(Debug, Default)]
struct Record {
    progress: RepairProgress,
    begun: Option<Instant>,
}

impl RepairLog {
    fn change(&self, index: &PhysicalUid, node: &NodeId, change: impl FnOnce(&mut Record)) {
        change(self.0.lock().entry((index.clone(), node.clone())).or_default());
    }

    /// Notes that the repair of `shards` began, which will compare about `documents`.
    pub fn begin(&self, index: &PhysicalUid, node: &NodeId, shards: ShardSet, documents: u64) {
        self.change(index, node, |record| {
            let progress = &mut record.progress;
            progress.shards = shards;
            progress.documents_compared = 0;
            progress.documents_total = documents;
            record.begun = Some(Instant::now());
        });
    }

    /// Notes that `documents` were compared.
    pub fn compared(&self, index: &PhysicalUid, node: &NodeId, documents: u64) {
        self.change(index, node, |record| {
            let progress = &mut record.progress;
            progress.documents_compared += documents;
            // More are written meanwhile, or compared once more.
            progress.documents_total = progress.documents_total.max(progress.documents_compared);
        });
    }

    /// Notes that `documents` were copied.
    pub fn copied(&self, index: &PhysicalUid, node: &NodeId, documents: u64) {
        self.change(index, node, |record| record.progress.documents_copied += documents);
    }

    /// Notes that the shards in progress are repaired, or not repaired for a `reason`.
    pub fn end(&self, index: &PhysicalUid, node: &NodeId, reason: Option<&str>) {
        self.change(index, node, |record| {
            record.begun = None;
            record.progress.shards = ShardSet::default();
            if let Some(reason) = reason {
                record.progress.failures += 1;
                record.progress.last_error = Some(reason.to_owned());
            }
        });
    }

    /// Notes the reason for which a replica waits.
    pub fn wait(&self, index: &PhysicalUid, node: &NodeId, reason: &str) {
        self.change(index, node, |record| record.progress.last_error = Some(reason.to_owned()));
    }

    /// Forgets replicas that are in sync.
    pub fn retain(&self, stale: &BTreeSet<(PhysicalUid, NodeId)>) {
        self.0.lock().retain(|replica, _| stale.contains(replica));
    }

    /// Returns the progress of a replica of which `left` shards are stale, if anything was done or tried.
    pub fn progress(&self, index: &PhysicalUid, node: &NodeId, left: usize) -> Option<RepairProgress> {
        let records = self.0.lock();
        let Record { progress, begun } = records.get(&(index.clone(), node.clone()))?;
        let remaining = begun.and_then(|begun| remaining_ms(progress, begun, left));
        Some(RepairProgress { remaining_ms: remaining, ..progress.clone() })
    }
}

/// Returns the estimated time until `left` shards are repaired, by the speed of those in progress.
fn remaining_ms(progress: &RepairProgress, begun: Instant, left: usize) -> Option<u64> {
    let (done, total) = (progress.documents_compared, progress.documents_total);
    if done == 0 {
        return None;
    }
    let elapsed = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let whole = elapsed.saturating_mul(total) / done;
    let in_progress = progress.shards.len().max(1) as u64;
    let others = (left as u64).saturating_sub(in_progress);
    Some(whole.saturating_sub(elapsed) + whole.saturating_mul(others) / in_progress)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use miroir_domain::Shard;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn progress_estimates_the_remaining_time_by_what_was_compared() {
        let (log, index, node): (_, PhysicalUid, NodeId) =
            (RepairLog::default(), "films".parse().unwrap(), "a".parse().unwrap());
        assert_eq!(log.progress(&index, &node, 3), None);
        log.begin(&index, &node, ShardSet::from_iter([Shard(1)]), 400);
        assert_eq!(log.progress(&index, &node, 3).unwrap().remaining_ms, None);
        tokio::time::advance(Duration::from_secs(1)).await;
        log.compared(&index, &node, 100);
        log.copied(&index, &node, 7);
        let progress = log.progress(&index, &node, 3).unwrap();
        assert_eq!((progress.documents_compared, progress.documents_total), (100, 400));
        assert_eq!((progress.documents_copied, progress.remaining_ms), (7, Some(11_000)));
        log.end(&index, &node, Some("no space"));
        let progress = log.progress(&index, &node, 3).unwrap();
        assert_eq!((progress.failures, progress.last_error.as_deref()), (1, Some("no space")));
        assert_eq!(progress.remaining_ms, None);
        log.retain(&BTreeSet::new());
        assert_eq!(log.progress(&index, &node, 3), None);
    }
}
