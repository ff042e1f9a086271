//! A macro for stores that wrap every call of another store.

/// Implements every trait of the store for `$wrapper`, which has a field `inner: Arc<dyn TaskStore>` and this
/// method:
///
/// ```text
/// async fn call<T>(
///     &self,
///     method: &'static str,
///     work: impl Future<Output = Result<T, StoreError>>,
/// ) -> Result<T, StoreError>
/// ```
///
/// Every call passes through it, with the name of its method and the call to `inner`, which has not begun.
/// The crate that uses it depends on `async-trait`, `miroir-domain` and `serde_json`.
#[macro_export]
macro_rules! wrap_store {
    ($wrapper:ident) => {
        mod wrapped {
            use ::std::time::Duration;

            use ::miroir_domain::admin_session::AdminSession;
            use ::miroir_domain::alias::Alias;
            use ::miroir_domain::canary::{Canary, CanaryRun};
            use ::miroir_domain::change::{PendingChanges, SinkRow};
            use ::miroir_domain::identity::{ClusterRow, NodeRow};
            use ::miroir_domain::index::IndexEntry;
            use ::miroir_domain::job::{Job, JobEnd, NewJob};
            use ::miroir_domain::replica::{ReplicaMark, ReplicaRow, ReplicaState};
            use ::miroir_domain::rollover::RolloverPolicy;
            use ::miroir_domain::search_ui::{ScopedKey, SearchUiConfig};
            use ::miroir_domain::session::Session;
            use ::miroir_domain::settings::CommittedSettings;
            use ::miroir_domain::task::{NewTask, Task, TaskQuery};
            use ::miroir_domain::tenant::{ApiKeyHash, Tenant};
            use ::miroir_domain::{IndexUid, NodeId, PhysicalUid, TaskUid, Timestamp};
            use ::serde_json::Value;
            use $crate::outbound::{
                Acquire, AdminSessionTable, Advance, AliasTable, CanaryTable, ChangeBacklog, ChangeCursor,
                ChangeCursorTable, ChangeOutbox, ChangePage, ChangePosition, ChangeSinkTable, CommittedSettingsTable, Consequences, Create,
                IdempotencyTable, IdentityTable, IndexTable, JobDepth, JobTable, Lease, LeaseTable, LoginAttempt, NewChange,
                NodeSettingsTable, NodeSettingsVersion, Put, RateDecision, RateLimits, ReplicaRecovery, ReplicaTable, Reservation, Reserve,
                RevocationFeed, Revocations, RolloverTable, ScopedKeyObservation, ScopedKeyTable,
                SearchUiTable, SessionTable, StoreStatus, TaskPage, TaskTable, TenantTable,
            };

            use super::$wrapper;

            $crate::wrap_table!($wrapper: TaskTable {
                task_create(task: NewTask, now: Timestamp) -> Task;
                task_next_uid() -> u64;
                task_skip_to(uid: TaskUid) -> ();
                task_changes(uid: TaskUid) -> Option<PendingChanges>;
                task_get(uid: TaskUid) -> Option<Task>;
                task_put(task: Task) -> Put;
                task_put_with(task: Task, consequences: Consequences) -> Put;
                task_list(query: &TaskQuery) -> TaskPage;
                task_list_unfinished(after: Option<TaskUid>, limit: u32) -> Vec<Task>;
                task_prune(before: Timestamp, limit: u32) -> u64;
            });

            $crate::wrap_table!($wrapper: IndexTable {
                index_create(entry: &IndexEntry) -> Create;
                index_get(uid: &IndexUid) -> Option<IndexEntry>;
                index_put(entry: &IndexEntry) -> Put;
                index_delete(uid: &IndexUid, physical_uid: &PhysicalUid) -> bool;
                index_was_deleted(physical_uid: &PhysicalUid) -> bool;
                index_list(after: Option<IndexUid>, limit: u32) -> Vec<IndexEntry>;
            });

            $crate::wrap_table!($wrapper: NodeSettingsTable {
                node_settings_advance(index: &PhysicalUid, node: &NodeId, version: u64, now: Timestamp) -> Advance;
                node_settings_get(index: &PhysicalUid, node: &NodeId) -> Option<NodeSettingsVersion>;
                node_settings_list(index: &PhysicalUid) -> Vec<NodeSettingsVersion>;
            });

            $crate::wrap_table!($wrapper: CommittedSettingsTable {
                settings_get(index: &PhysicalUid) -> Option<CommittedSettings>;
                settings_replace(row: &CommittedSettings) -> ();
                settings_put(row: &CommittedSettings) -> Put;
                settings_forget(index: &PhysicalUid) -> bool;
            });

            $crate::wrap_table!($wrapper: ReplicaTable {
                replica_mark(marks: &[ReplicaMark]) -> ();
                replica_get(index: &PhysicalUid, node: &NodeId) -> Option<ReplicaRow>;
                replica_repaired(index: &PhysicalUid, node: &NodeId, seen: &ReplicaState) -> ();
                replica_forget(index: &PhysicalUid) -> u64;
                replica_list(after: Option<(PhysicalUid, NodeId)>, limit: u32) -> Vec<ReplicaRow>;
                replica_recovery_get() -> Option<ReplicaRecovery>;
                replica_recovery_put(recovery: ReplicaRecovery) -> ();
            });

            $crate::wrap_table!($wrapper: IdentityTable {
                cluster_create(row: &ClusterRow) -> Create;
                cluster_get() -> Option<ClusterRow>;
                cluster_put(row: &ClusterRow) -> Put;
                node_put(row: &NodeRow) -> ();
                node_delete(node: &NodeId) -> bool;
                node_list() -> Vec<NodeRow>;
            });

            $crate::wrap_table!($wrapper: AliasTable {
                alias_create(alias: &Alias) -> Create;
                alias_get(name: &IndexUid) -> Option<Alias>;
                alias_put(alias: &Alias) -> Put;
                alias_put_both(first: &Alias, second: &Alias) -> Put;
                alias_delete(name: &IndexUid) -> bool;
                alias_list(after: Option<IndexUid>, limit: u32) -> Vec<Alias>;
            });

            $crate::wrap_table!($wrapper: SessionTable {
                session_put(session: &Session, max_sessions: u32, now: Timestamp) -> u64;
                session_get(session_id: &str, now: Timestamp) -> Option<Session>;
                session_touch(session_id: &str, expires_at: Timestamp, now: Timestamp) -> bool;
                session_delete(session_id: &str) -> bool;
                session_count(now: Timestamp) -> u64;
                session_purge(now: Timestamp, limit: u32) -> u64;
            });

            $crate::wrap_table!($wrapper: IdempotencyTable {
                idempotency_reserve(reservation: &Reservation, now: Timestamp) -> Reserve;
                idempotency_complete(key: &str, owner: &str, task: TaskUid, expires_at: Timestamp, now: Timestamp) -> bool;
                idempotency_release(key: &str, owner: &str) -> bool;
                idempotency_purge(now: Timestamp, limit: u32) -> u64;
            });

            $crate::wrap_table!($wrapper: JobTable {
                job_enqueue(job: &NewJob) -> Create;
                job_claim(claimed_by: &str, expires_at: Timestamp, now: Timestamp) -> Option<Job>;
                job_heartbeat(id: &str, token: u64, progress: Option<Value>, expires_at: Timestamp, now: Timestamp) -> bool;
                job_finish(id: &str, token: u64, end: JobEnd, now: Timestamp) -> bool;
                job_cancel(id: &str) -> bool;
                job_delete(id: &str) -> bool;
                job_get(id: &str) -> Option<Job>;
                job_list(after: Option<String>, limit: u32) -> Vec<Job>;
                job_depth() -> JobDepth;
            });

            $crate::wrap_table!($wrapper: LeaseTable {
                lease_acquire(scope: &str, holder: &str, ttl: Duration, now: Timestamp) -> Acquire;
                lease_renew(scope: &str, holder: &str, token: u64, ttl: Duration, now: Timestamp) -> Option<Timestamp>;
                lease_release(scope: &str, holder: &str, token: u64) -> bool;
                lease_fence(scope: &str, token: u64) -> ();
                lease_get(scope: &str, now: Timestamp) -> Option<Lease>;
                lease_list(now: Timestamp) -> Vec<Lease>;
            });

            $crate::wrap_table!($wrapper: CanaryTable {
                canary_create(canary: &Canary) -> Create;
                canary_get(id: &str) -> Option<Canary>;
                canary_put(canary: &Canary) -> Put;
                canary_delete(id: &str) -> bool;
                canary_list(after: Option<String>, limit: u32) -> Vec<Canary>;
                canary_run_append(run: &CanaryRun, keep: u32) -> bool;
                canary_run_list(id: &str, limit: u32) -> Vec<CanaryRun>;
            });

            $crate::wrap_table!($wrapper: ChangeCursorTable {
                change_cursor_advance(sink: &str, index: &IndexUid, seq: u64, now: Timestamp) -> Advance;
                change_cursor_rewind(sink: &str, index: &IndexUid, seq: u64, now: Timestamp) -> bool;
                change_cursor_get(sink: &str, index: &IndexUid) -> Option<ChangeCursor>;
                change_cursor_list(sink: &str) -> Vec<ChangeCursor>;
            });

            $crate::wrap_table!($wrapper: ChangeOutbox {
                change_append(changes: Vec<NewChange>, budget_bytes: u64) -> ();
                change_peek(sink: &str, index: &IndexUid, after: u64, limit: u32) -> ChangePage;
                change_acknowledge(sink: &str, index: &IndexUid, seq: u64, keep: u64) -> u64;
                change_positions(sink: &str) -> Vec<ChangePosition>;
                change_backlog(sink: &str) -> ChangeBacklog;
            });

            $crate::wrap_table!($wrapper: ChangeSinkTable {
                change_sink_put(row: SinkRow) -> ();
                change_sink_get(sink: &str) -> Option<SinkRow>;
            });

            $crate::wrap_table!($wrapper: TenantTable {
                tenant_put(tenant: &Tenant) -> ();
                tenant_get(hash: ApiKeyHash) -> Option<Tenant>;
                tenant_delete(hash: ApiKeyHash) -> bool;
                tenant_list(after: Option<ApiKeyHash>, limit: u32) -> Vec<Tenant>;
            });

            $crate::wrap_table!($wrapper: RolloverTable {
                rollover_create(policy: &RolloverPolicy) -> Create;
                rollover_get(name: &str) -> Option<RolloverPolicy>;
                rollover_put(policy: &RolloverPolicy) -> Put;
                rollover_delete(name: &str) -> bool;
                rollover_list(after: Option<String>, limit: u32) -> Vec<RolloverPolicy>;
            });

            $crate::wrap_table!($wrapper: SearchUiTable {
                search_ui_create(config: &SearchUiConfig) -> Create;
                search_ui_get(index: &IndexUid) -> Option<SearchUiConfig>;
                search_ui_put(config: &SearchUiConfig) -> Put;
                search_ui_delete(index: &IndexUid) -> bool;
                search_ui_list(after: Option<IndexUid>, limit: u32) -> Vec<SearchUiConfig>;
            });

            $crate::wrap_table!($wrapper: ScopedKeyTable {
                scoped_key_get(index: &IndexUid) -> Option<ScopedKey>;
                scoped_key_rotate(key: &ScopedKey) -> Put;
                scoped_key_retire(index: &IndexUid, generation: u64) -> Put;
                scoped_key_observe(index: &IndexUid, instance: &str, generation: u64, now: Timestamp) -> ();
                scoped_key_observations(index: &IndexUid, now: Timestamp) -> Vec<ScopedKeyObservation>;
            });

            $crate::wrap_table!($wrapper: AdminSessionTable {
                admin_session_create(session: &AdminSession, now: Timestamp) -> Create;
                admin_session_get(session_id: &str, now: Timestamp) -> Option<AdminSession>;
                admin_session_revoke(session_id: &str, now: Timestamp) -> bool;
                admin_session_purge(now: Timestamp, limit: u32) -> u64;
            });

            $crate::wrap_table!($wrapper: RevocationFeed {
                revocations() -> Revocations;
            });

            $crate::wrap_table!($wrapper: RateLimits {
                rate_limit_hit(key: &str, limit: u32, window: Duration, now: Timestamp) -> RateDecision;
                login_attempt(address: &str, now: Timestamp) -> LoginAttempt;
                login_succeeded(address: &str) -> ();
                rate_limit_purge(now: Timestamp, limit: u32) -> u64;
            });

            $crate::wrap_table!($wrapper: StoreStatus {
                store_ping() -> ();
                store_close() -> ();
            });
        }
    };
}

/// Implements one trait of [`wrap_store!`].
#[doc(hidden)]
#[macro_export]
macro_rules! wrap_table {
    ($wrapper:ident: $table:ident { $($method:ident($($argument:ident: $kind:ty),*) -> $output:ty;)* }) => {
        #[::async_trait::async_trait]
        impl $table for $wrapper {
            $(
                async fn $method(
                    &self,
                    $($argument: $kind),*
                ) -> Result<$output, $crate::outbound::StoreError> {
                    self.call(stringify!($method), self.inner.$method($($argument),*)).await
                }
            )*
        }
    };
}
