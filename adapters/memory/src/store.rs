//! The store and its handles.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use miroir_ports::outbound::StoreError;
use parking_lot::{Mutex, MutexGuard};

use crate::data::Data;
use crate::notifier::RevocationNotifier;

/// A task store that lives as long as the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    pub(crate) data: Arc<Mutex<Data>>,
    pub(crate) revoked: RevocationNotifier,
    /// The term that this handle's calls are part of.
    pub(crate) fence: Mutex<Option<(String, u64)>>,
    pub(crate) closed: AtomicBool,
}

impl MemoryStore {
    /// Creates an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns an open store over the same data, even if this one was closed. It stands for a restart.
    #[must_use]
    pub fn reopen(&self) -> Self {
        Self { data: Arc::clone(&self.data), ..Self::default() }
    }

    /// Locks the data, unless the store is closed or this handle's term is over. A panic while the lock was
    /// held cannot have left the data half changed, because every method checks first and changes last.
    pub(crate) fn data(&self) -> Result<MutexGuard<'_, Data>, StoreError> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(StoreError::not_applied("the store is closed"));
        }
        let data = self.data.lock();
        let fence = self.fence.lock();
        if let Some((scope, token)) = fence.as_ref()
            && data.fences.get(scope).is_some_and(|greatest| greatest > token)
        {
            return Err(fenced());
        }
        Ok(data)
    }
}

/// Returns the error of a handle whose term is over.
pub(crate) fn fenced() -> StoreError {
    StoreError::not_applied(
        "a later term has begun: another instance holds the lease now, and this one must stop",
    )
}
