//! The whole store.

use super::admin_session::AdminSessionTable;
use super::alias::AliasTable;
use super::canary::CanaryTable;
use super::change_cursor::ChangeCursorTable;
use super::change_outbox::ChangeOutbox;
use super::change_sink::ChangeSinkTable;
use super::committed_settings::CommittedSettingsTable;
use super::idempotency::IdempotencyTable;
use super::identity::IdentityTable;
use super::index::IndexTable;
use super::job::JobTable;
use super::lease::LeaseTable;
use super::node_settings::NodeSettingsTable;
use super::rate_limit::RateLimits;
use super::replica::ReplicaTable;
use super::revocation::RevocationFeed;
use super::rollover::RolloverTable;
use super::scoped_key::ScopedKeyTable;
use super::search_ui::SearchUiTable;
use super::session::SessionTable;
use super::status::StoreStatus;
use super::task::TaskTable;
use super::tenant::TenantTable;

/// The whole store, as one object that is chosen at start and replaced in tests.
pub trait TaskStore:
    TaskTable
    + IndexTable
    + NodeSettingsTable
    + CommittedSettingsTable
    + ReplicaTable
    + IdentityTable
    + AliasTable
    + SessionTable
    + IdempotencyTable
    + JobTable
    + LeaseTable
    + CanaryTable
    + ChangeCursorTable
    + ChangeOutbox
    + ChangeSinkTable
    + TenantTable
    + RolloverTable
    + SearchUiTable
    + ScopedKeyTable
    + AdminSessionTable
    + RevocationFeed
    + RateLimits
    + StoreStatus
{
}

impl<T> TaskStore for T where
    T: TaskTable
        + IndexTable
        + NodeSettingsTable
        + CommittedSettingsTable
        + ReplicaTable
        + IdentityTable
        + AliasTable
        + SessionTable
        + IdempotencyTable
        + JobTable
        + LeaseTable
        + CanaryTable
        + ChangeCursorTable
        + ChangeOutbox
        + ChangeSinkTable
        + TenantTable
        + RolloverTable
        + SearchUiTable
        + ScopedKeyTable
        + AdminSessionTable
        + RevocationFeed
        + RateLimits
        + StoreStatus
{
}
