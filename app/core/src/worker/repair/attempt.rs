//! Repairs that failed, and the time of the next attempt.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use miroir_domain::{NodeId, PhysicalUid, Shard, ShardSet};
use tokio::time::Instant;

/// The pause after the first failure. It doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause: a source that returns is used within this time.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The time after which the same reason is logged again.
const LOG_AGAIN: Duration = Duration::from_mins(1);

/// A replica as a whole, or one shard of it.
type Subject = (PhysicalUid, NodeId, Option<Shard>);

/// Failed attempts to repair a replica.
#[derive(Debug, Default)]
pub(super) struct Attempts(HashMap<Subject, Failed>);

#[derive(Debug)]
struct Failed {
    pause: Duration,
    next: Instant,
    reason: String,
    logged: Instant,
}

impl Attempts {
    /// Returns whether a replica, or a shard of it, may be repaired now.
    pub(super) fn is_due(&self, index: &PhysicalUid, node: &NodeId, shard: Option<Shard>) -> bool {
        let subject = (index.clone(), node.clone(), shard);
        self.0.get(&subject).is_none_or(|failed| failed.next <= Instant::now())
    }

    /// Returns whether all of these shards, or the index itself, may be repaired now.
    pub(super) fn are_due(&self, index: &PhysicalUid, node: &NodeId, shards: Option<&ShardSet>) -> bool {
        subjects(index, node, shards).iter().all(|(index, node, shard)| self.is_due(index, node, *shard))
    }

    /// Forgets replicas that are in sync.
    pub(super) fn retain(&mut self, stale: &BTreeSet<(PhysicalUid, NodeId)>) {
        self.0.retain(|(index, node, _), _| stale.contains(&(index.clone(), node.clone())));
    }

    /// Forgets the failures of shards that are repaired, or of the index itself.
    pub(super) fn succeed(&mut self, index: &PhysicalUid, node: &NodeId, shards: Option<&ShardSet>) {
        for subject in subjects(index, node, shards) {
            self.0.remove(&subject);
        }
    }

    /// Lets shards of a replica wait for `pause`.
    pub(super) fn postpone(
        &mut self,
        index: &PhysicalUid,
        node: &NodeId,
        shards: &ShardSet,
        pause: Duration,
    ) {
        let now = Instant::now();
        for subject in subjects(index, node, Some(shards)) {
            let failed =
                Failed { pause: Duration::ZERO, next: now + pause, reason: String::new(), logged: now };
            self.0.insert(subject, failed);
        }
    }

    /// Notes that a replica cannot be repaired now, and logs the reason unless it was logged a moment ago.
    pub(super) fn wait(&mut self, index: &PhysicalUid, node: &NodeId, reason: &str) {
        self.fail(index, node, None, reason, Duration::ZERO);
    }

    /// Notes a failure to repair shards, or the index itself, and logs its reason unless it was logged a
    /// moment ago. The next attempt is made after `pause` at least.
    pub(super) fn fail(
        &mut self,
        index: &PhysicalUid,
        node: &NodeId,
        shards: Option<&ShardSet>,
        reason: &str,
        pause: Duration,
    ) {
        let now = Instant::now();
        let mut is_logged = false;
        for subject in subjects(index, node, shards) {
            let before = self.0.remove(&subject);
            let longer = before
                .as_ref()
                .map_or(FIRST_PAUSE, |before| (before.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE));
            // A pause is there for a reason that a later failure does not remove.
            let earliest = before.as_ref().map_or(now, |before| before.next);
            let logged = before
                .filter(|before| before.reason == reason && now - before.logged < LOG_AGAIN)
                .map(|before| before.logged);
            if logged.is_none() && !std::mem::replace(&mut is_logged, true) {
                tracing::warn!(%index, %node, "cannot repair a replica, trying again: {reason}");
            }
            let next = (now + longer.max(pause)).max(earliest);
            let failed =
                Failed { pause: longer, next, reason: reason.to_owned(), logged: logged.unwrap_or(now) };
            self.0.insert(subject, failed);
        }
    }
}

fn subjects(index: &PhysicalUid, node: &NodeId, shards: Option<&ShardSet>) -> Vec<Subject> {
    let subject = |shard| (index.clone(), node.clone(), shard);
    match shards {
        Some(shards) => shards.iter().map(|shard| subject(Some(shard))).collect(),
        None => vec![subject(None)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pause_doubles_up_to_the_longest_and_ends_in_sync() {
        let (index, node): (PhysicalUid, NodeId) = ("films".parse().unwrap(), "a".parse().unwrap());
        let mut attempts = Attempts::default();
        assert!(attempts.is_due(&index, &node, None));
        for seconds in [1, 2, 4, 8, 10, 10] {
            attempts.wait(&index, &node, "no source");
            tokio::time::advance(Duration::from_millis(seconds * 1_000 - 1)).await;
            assert!(!attempts.is_due(&index, &node, None), "{seconds}");
            tokio::time::advance(Duration::from_millis(1)).await;
            assert!(attempts.is_due(&index, &node, None), "{seconds}");
        }
        attempts.wait(&index, &node, "no source");
        attempts.retain(&[(index.clone(), node.clone())].into());
        assert!(!attempts.is_due(&index, &node, None));
        attempts.retain(&BTreeSet::new());
        assert!(attempts.is_due(&index, &node, None));
    }

    #[tokio::test(start_paused = true)]
    async fn shards_wait_by_themselves_until_they_succeed() {
        let (index, node): (PhysicalUid, NodeId) = ("films".parse().unwrap(), "a".parse().unwrap());
        let mut attempts = Attempts::default();
        let shards = ShardSet::from_iter([Shard(1), Shard(2)]);
        attempts.fail(&index, &node, Some(&shards), "lost", Duration::from_secs(30));
        tokio::time::advance(Duration::from_secs(29)).await;
        assert!(!attempts.is_due(&index, &node, Some(Shard(1))));
        assert!(attempts.is_due(&index, &node, Some(Shard(3))) && attempts.is_due(&index, &node, None));
        attempts.succeed(&index, &node, Some(&ShardSet::from_iter([Shard(1)])));
        assert!(attempts.is_due(&index, &node, Some(Shard(1))));
        assert!(!attempts.is_due(&index, &node, Some(Shard(2))));
    }

    /// A copy whose response was lost may still arrive after a later attempt that failed for another reason.
    #[tokio::test(start_paused = true)]
    async fn later_failure_does_not_shorten_a_pause() {
        let (index, node) = ("films".parse().unwrap(), "b".parse().unwrap());
        let shards = ShardSet::all(2);
        let mut attempts = Attempts::default();
        attempts.fail(&index, &node, Some(&shards), "the response was lost", Duration::from_secs(10));
        attempts.fail(&index, &node, Some(&shards), "it did not respond", Duration::ZERO);
        tokio::time::advance(Duration::from_secs(9)).await;
        assert!(!attempts.are_due(&index, &node, Some(&shards)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(attempts.are_due(&index, &node, Some(&shards)));
    }
}
