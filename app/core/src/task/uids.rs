//! The uids that were given in a term.

use std::sync::atomic::{AtomicU64, Ordering};

use miroir_domain::TaskUid;
use tokio_util::sync::CancellationToken;

/// The watch over the uids of new tasks: a store that gives a uid again has lost its last changes, for
/// example in a failover.
#[derive(Debug, Default)]
pub struct GivenUids {
    /// The number of uids up to the greatest that was given.
    known: AtomicU64,
    lost: CancellationToken,
}

impl GivenUids {
    /// Returns the number of uids up to the greatest that was given so far, for [`GivenUids::note`].
    pub(super) fn known(&self) -> u64 {
        self.known.load(Ordering::SeqCst)
    }

    /// Notes the uid of a task that was created after `known` was read. Returns false if it was given before.
    pub(super) fn note(&self, uid: TaskUid, known: u64) -> bool {
        if u64::from(uid.0) < known {
            self.lost.cancel();
            return false;
        }
        self.known.fetch_max(u64::from(uid.0) + 1, Ordering::SeqCst);
        true
    }

    /// Waits until the store has given a uid again. Returns the greatest uid that was given before.
    pub async fn lost(&self) -> TaskUid {
        self.lost.cancelled().await;
        // Uids have 32 bits.
        TaskUid(u32::try_from(self.known().saturating_sub(1)).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn uid_that_is_given_again_is_noticed_and_concurrent_ones_are_not() {
        let uids = GivenUids::default();
        let (first, second) = (uids.known(), uids.known());
        assert!(uids.note(TaskUid(7), first) && uids.note(TaskUid(6), second), "created at once");
        let later = uids.known();
        assert!(uids.note(TaskUid(8), later) && !uids.lost.is_cancelled());
        let again = uids.known();
        assert!(!uids.note(TaskUid(8), again));
        assert_eq!(uids.lost().await, TaskUid(8));
    }
}
