//! Repairs that failed, and the time of the next attempt.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use miroir_domain::{IndexUid, NodeId};
use tokio::time::Instant;

/// The pause after the first failure. It doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause: a source that returns is used within this time.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The time after which the same reason is logged again.
const LOG_AGAIN: Duration = Duration::from_mins(1);

/// Failed attempts to repair a replica.
#[derive(Debug, Default)]
pub(super) struct Attempts(HashMap<(IndexUid, NodeId), Failed>);

#[derive(Debug)]
struct Failed {
    pause: Duration,
    next: Instant,
    reason: String,
    logged: Instant,
}

impl Attempts {
    /// Returns whether a replica may be repaired now.
    pub(super) fn is_due(&self, index: &IndexUid, node: &NodeId) -> bool {
        self.0.get(&(index.clone(), node.clone())).is_none_or(|failed| failed.next <= Instant::now())
    }

    /// Forgets replicas that are in sync.
    pub(super) fn retain(&mut self, stale: &BTreeSet<(IndexUid, NodeId)>) {
        self.0.retain(|replica, _| stale.contains(replica));
    }

    /// Notes a failure, and logs its reason unless it was logged a moment ago.
    pub(super) fn fail(&mut self, index: &IndexUid, node: &NodeId, reason: String) {
        let now = Instant::now();
        let before = self.0.remove(&(index.clone(), node.clone()));
        let pause = before.as_ref().map_or(FIRST_PAUSE, |before| (before.pause * 2).min(LONGEST_PAUSE));
        let logged = before
            .filter(|before| before.reason == reason && now - before.logged < LOG_AGAIN)
            .map(|before| before.logged);
        if logged.is_none() {
            tracing::warn!(%index, %node, "cannot repair a replica, trying again: {reason}");
        }
        let failed = Failed { pause, next: now + pause, reason, logged: logged.unwrap_or(now) };
        self.0.insert((index.clone(), node.clone()), failed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pause_doubles_up_to_the_longest_and_ends_in_sync() {
        let (index, node): (IndexUid, NodeId) = ("films".parse().unwrap(), "a".parse().unwrap());
        let mut attempts = Attempts::default();
        assert!(attempts.is_due(&index, &node));
        for seconds in [1, 2, 4, 8, 10, 10] {
            attempts.fail(&index, &node, "no source".to_owned());
            tokio::time::advance(Duration::from_millis(seconds * 1_000 - 1)).await;
            assert!(!attempts.is_due(&index, &node), "{seconds}");
            tokio::time::advance(Duration::from_millis(1)).await;
            assert!(attempts.is_due(&index, &node), "{seconds}");
        }
        attempts.fail(&index, &node, "no source".to_owned());
        attempts.retain(&[(index.clone(), node.clone())].into());
        assert!(!attempts.is_due(&index, &node));
        attempts.retain(&BTreeSet::new());
        assert!(attempts.is_due(&index, &node));
    }
}
