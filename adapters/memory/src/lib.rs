//! The task store in memory: the definition of right that every other store is compared with, and the fake for tests.
//!
//! One mutex over ordered maps. Every method locks, does the obvious thing, and unlocks; nothing here is clever, so that
//! it can be checked by reading it beside the contract in `miroir_ports::outbound`.

mod index;
mod node_settings;
mod status;
mod task;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use miroir_domain::index::IndexEntry;
use miroir_domain::task::Task;
use miroir_domain::{IndexUid, NodeId, TaskUid};
use miroir_ports::outbound::{NodeSettingsVersion, Outcome, StoreError};

/// What the store holds.
#[derive(Debug, Default)]
struct Data {
    /// The uid of the next task; 64 bits, so that it can stand behind the last one.
    next_uid: u64,
    tasks: BTreeMap<TaskUid, Task>,
    indexes: BTreeMap<IndexUid, IndexEntry>,
    node_settings: BTreeMap<(IndexUid, NodeId), NodeSettingsVersion>,
    probes: u64,
}

/// A task store that lives as long as the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    data: Arc<Mutex<Data>>,
    closed: AtomicBool,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another store over the same data, open whether or not this one was closed: what a restart is to a store that
    /// is on disk.
    #[must_use]
    pub fn reopen(&self) -> Self {
        Self { data: Arc::clone(&self.data), closed: AtomicBool::new(false) }
    }

    /// The data, unless the store is closed. A panic while the lock was held cannot have left it half changed,
    /// because every method checks first and changes last.
    fn data(&self) -> Result<MutexGuard<'_, Data>, StoreError> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable {
                outcome: Outcome::NotApplied,
                reason: "the store is closed".to_owned(),
            });
        }
        Ok(self.data.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
