//! The task store in memory: the definition of right that every other store is compared with, and the fake for tests.
//!
//! One mutex over ordered maps. Every method locks, does the obvious thing, and unlocks; nothing here is clever, so that
//! it can be checked by reading it beside the contract in `miroir_ports::outbound`.

mod admin_session;
mod alias;
mod canary;
mod change_cursor;
mod change_outbox;
mod change_sink;
mod idempotency;
mod index;
mod job;
mod lease;
mod node_settings;
mod rate_limit;
mod revocation;
mod rollover;
mod scoped_key;
mod search_ui;
mod session;
mod status;
mod task;
mod tenant;
mod versioned;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use miroir_domain::admin_session::AdminSession;
use miroir_domain::alias::Alias;
use miroir_domain::canary::{Canary, CanaryRun};
use miroir_domain::change::{PendingChanges, SinkRow};
use miroir_domain::index::IndexEntry;
use miroir_domain::job::Job;
use miroir_domain::rollover::RolloverPolicy;
use miroir_domain::search_ui::{ScopedKey, SearchUiConfig};
use miroir_domain::session::Session;
use miroir_domain::task::Task;
use miroir_domain::tenant::{ApiKeyHash, Tenant};
use miroir_domain::{IndexUid, NodeId, TaskUid, Timestamp};
use miroir_ports::outbound::{ChangeCursor, NodeSettingsVersion, ScopedKeyObservation, StoreError};
use parking_lot::{Mutex, MutexGuard};

use change_outbox::Outbox;
use idempotency::IdempotencyRow;
use lease::LeaseRow;
use rate_limit::{Failures, Window};
use revocation::RevocationNotifier;

/// What the store holds.
#[derive(Debug, Default)]
struct Data {
    /// The uid of the next task; 64 bits, so that it can stand behind the last one.
    next_uid: u64,
    tasks: BTreeMap<TaskUid, Task>,
    /// What unfinished tasks will have changed.
    task_changes: BTreeMap<TaskUid, PendingChanges>,
    indexes: BTreeMap<IndexUid, IndexEntry>,
    node_settings: BTreeMap<(IndexUid, NodeId), NodeSettingsVersion>,
    aliases: BTreeMap<IndexUid, Alias>,
    sessions: BTreeMap<String, Session>,
    idempotency: BTreeMap<String, IdempotencyRow>,
    jobs: BTreeMap<String, Job>,
    /// The jobs that wait, first come first.
    job_line: VecDeque<String>,
    last_job_token: u64,
    leases: BTreeMap<String, LeaseRow>,
    canaries: BTreeMap<String, Canary>,
    canary_runs: BTreeMap<String, BTreeMap<Timestamp, CanaryRun>>,
    change_cursors: BTreeMap<(String, IndexUid), ChangeCursor>,
    change_sinks: BTreeMap<String, SinkRow>,
    /// What is held for each sink.
    outboxes: BTreeMap<String, Outbox>,
    tenants: BTreeMap<ApiKeyHash, Tenant>,
    rollovers: BTreeMap<String, RolloverPolicy>,
    search_uis: BTreeMap<IndexUid, SearchUiConfig>,
    scoped_keys: BTreeMap<IndexUid, ScopedKey>,
    scoped_key_observations: BTreeMap<(IndexUid, String), ScopedKeyObservation>,
    admin_sessions: BTreeMap<String, AdminSession>,
    windows: BTreeMap<String, Window>,
    login_failures: BTreeMap<String, Failures>,
    /// The greatest token that each scope was fenced with.
    fences: BTreeMap<String, u64>,
    probes: u64,
}

/// A task store that lives as long as the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    data: Arc<Mutex<Data>>,
    revoked: RevocationNotifier,
    /// The term that this handle's calls are part of.
    fence: Mutex<Option<(String, u64)>>,
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
        Self { data: Arc::clone(&self.data), ..Self::default() }
    }

    /// Locks the data, unless the store is closed or this handle's term is over. A panic while the lock was held
    /// cannot have left the data half changed, because every method checks first and changes last.
    fn data(&self) -> Result<MutexGuard<'_, Data>, StoreError> {
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

/// What a handle is told whose term is over.
fn fenced() -> StoreError {
    StoreError::not_applied("a later term has begun: another instance leads now, and this one must stop")
}
