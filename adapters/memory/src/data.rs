//! The tables.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use miroir_domain::admin_session::AdminSession;
use miroir_domain::alias::Alias;
use miroir_domain::canary::{Canary, CanaryRun};
use miroir_domain::change::{PendingChanges, SinkRow};
use miroir_domain::identity::{ClusterRow, NodeRow};
use miroir_domain::index::IndexEntry;
use miroir_domain::job::Job;
use miroir_domain::replica::ReplicaRow;
use miroir_domain::rollover::RolloverPolicy;
use miroir_domain::search_ui::{ScopedKey, SearchUiConfig};
use miroir_domain::session::Session;
use miroir_domain::settings::CommittedSettings;
use miroir_domain::task::Task;
use miroir_domain::tenant::{ApiKeyHash, Tenant};
use miroir_domain::{IndexUid, NodeId, PhysicalUid, TaskUid, Timestamp};
use miroir_ports::outbound::{ChangeCursor, NodeSettingsVersion, ReplicaRecovery, ScopedKeyObservation};

use crate::outbox::Outbox;
use crate::row::{Failures, IdempotencyRow, LeaseRow, Window};

/// All tables of the store.
#[derive(Debug, Default)]
pub(crate) struct Data {
    /// The uid of the next task. It has 64 bits, so that it can exceed the last uid.
    pub(crate) next_uid: u64,
    pub(crate) tasks: BTreeMap<TaskUid, Task>,
    /// The changes that unfinished tasks will have made.
    pub(crate) task_changes: BTreeMap<TaskUid, PendingChanges>,
    pub(crate) indexes: BTreeMap<IndexUid, IndexEntry>,
    pub(crate) deleted_indexes: BTreeSet<PhysicalUid>,
    pub(crate) node_settings: BTreeMap<(PhysicalUid, NodeId), NodeSettingsVersion>,
    pub(crate) committed_settings: BTreeMap<PhysicalUid, CommittedSettings>,
    /// The replicas that are not in sync, by `index:node`.
    pub(crate) replicas: BTreeMap<String, ReplicaRow>,
    pub(crate) last_replica_stamp: u64,
    pub(crate) replica_recovery: Option<ReplicaRecovery>,
    pub(crate) cluster: Option<ClusterRow>,
    pub(crate) nodes: BTreeMap<NodeId, NodeRow>,
    pub(crate) aliases: BTreeMap<IndexUid, Alias>,
    pub(crate) sessions: BTreeMap<String, Session>,
    pub(crate) idempotency: BTreeMap<String, IdempotencyRow>,
    pub(crate) jobs: BTreeMap<String, Job>,
    /// The ids of the jobs that wait, first in first out.
    pub(crate) job_queue: VecDeque<String>,
    pub(crate) last_job_token: u64,
    pub(crate) leases: BTreeMap<String, LeaseRow>,
    pub(crate) canaries: BTreeMap<String, Canary>,
    pub(crate) canary_runs: BTreeMap<String, BTreeMap<Timestamp, CanaryRun>>,
    pub(crate) change_cursors: BTreeMap<(String, IndexUid), ChangeCursor>,
    pub(crate) change_sinks: BTreeMap<String, SinkRow>,
    /// The events of each sink.
    pub(crate) outboxes: BTreeMap<String, Outbox>,
    pub(crate) tenants: BTreeMap<ApiKeyHash, Tenant>,
    pub(crate) rollovers: BTreeMap<String, RolloverPolicy>,
    pub(crate) search_uis: BTreeMap<IndexUid, SearchUiConfig>,
    pub(crate) scoped_keys: BTreeMap<IndexUid, ScopedKey>,
    pub(crate) scoped_key_observations: BTreeMap<(IndexUid, String), ScopedKeyObservation>,
    pub(crate) admin_sessions: BTreeMap<String, AdminSession>,
    pub(crate) windows: BTreeMap<String, Window>,
    pub(crate) login_failures: BTreeMap<String, Failures>,
    /// The greatest token that each scope was fenced with.
    pub(crate) fences: BTreeMap<String, u64>,
    pub(crate) probes: u64,
}
