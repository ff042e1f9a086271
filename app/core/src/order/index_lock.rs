//! Per-index read-write locks on registry entries.
//!
//! A write reads the registry entry of its index and then takes its place in the write queues. Between the two, the
//! index must not be created, deleted or given another primary key, or the write would reach nodes that hold
//! another index than the one that the write was made for.

use std::collections::HashMap;
use std::sync::Arc;

use miroir_domain::IndexUid;
use parking_lot::Mutex;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// One read-write lock per index in use.
#[derive(Debug, Default)]
pub(super) struct IndexLocks {
    locks: Mutex<HashMap<IndexUid, Arc<RwLock<()>>>>,
}

/// A lock on the registry entry of an index, held until it is dropped.
#[derive(Debug)]
pub enum IndexGuard {
    /// The registry entry does not change.
    Read {
        /// The lock.
        _guard: OwnedRwLockReadGuard<()>,
    },
    /// The registry entry may be changed by the holder alone.
    Write {
        /// The lock.
        _guard: OwnedRwLockWriteGuard<()>,
    },
}

impl IndexLocks {
    /// Waits until the registry entry of `index` is not being changed, and keeps it from being changed.
    pub(super) async fn read(&self, index: &IndexUid) -> IndexGuard {
        IndexGuard::Read { _guard: self.lock_of(index).read_owned().await }
    }

    /// Waits until nothing reads or changes the registry entry of `index`, and gives the caller the right to
    /// change it.
    pub(super) async fn write(&self, index: &IndexUid) -> IndexGuard {
        IndexGuard::Write { _guard: self.lock_of(index).write_owned().await }
    }

    fn lock_of(&self, index: &IndexUid) -> Arc<RwLock<()>> {
        let mut locks = self.locks.lock();
        // A guard holds a clone of its lock, so a lock that only the map holds is not in use.
        locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        locks.entry(index.clone()).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn write_waits_for_readers_and_unused_locks_are_dropped() {
        let locks = IndexLocks::default();
        let index: IndexUid = "movies".parse().unwrap();
        let reader = locks.read(&index).await;
        let other_reader = locks.read(&index).await;
        let writer = tokio::time::timeout(std::time::Duration::from_millis(20), locks.write(&index));
        assert!(writer.await.is_err());
        drop((reader, other_reader));
        drop(locks.write(&index).await);
        drop(locks.read(&"other".parse().unwrap()).await);
        assert_eq!(locks.locks.lock().len(), 1);
    }
}
