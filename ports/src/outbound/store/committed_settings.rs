//! The committed settings of indexes, `committed_settings`.

use async_trait::async_trait;
use miroir_domain::PhysicalUid;
use miroir_domain::settings::CommittedSettings;

use super::conditional::Put;
use super::error::StoreError;

/// The settings of each index, as clients sent them, with the changes that are under way. Keys of embedders
/// are in it sealed, or not at all.
///
/// The end of a change is stored in the unit that ends its task, by
/// [`TaskTable::task_put_with`](crate::outbound::TaskTable::task_put_with).
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait CommittedSettingsTable: Send + Sync + 'static {
    /// Returns the row of an index, if there is one.
    async fn settings_get(&self, index: &PhysicalUid) -> Result<Option<CommittedSettings>, StoreError>;

    /// Stores a row, in place of any other of its index.
    ///
    /// - **SETTINGS-1** The row MUST equal `row`, its version included. Rows of other indexes MUST stay.
    /// - **SETTINGS-2** Settings that nest deeper than
    ///   [`MAX_JSON_DEPTH`](miroir_domain::row::MAX_JSON_DEPTH) MUST be refused as `InvalidInput`, here and
    ///   in every other method that stores a row.
    async fn settings_replace(&self, row: &CommittedSettings) -> Result<(), StoreError>;

    /// Replaces the row of `row.index` if its version is `row.version`. The stored row gets that version plus
    /// one.
    ///
    /// - **SETTINGS-3** If the row has another version, or there is no row, it MUST return [`Put::Conflict`]
    ///   and change nothing.
    async fn settings_put(&self, row: &CommittedSettings) -> Result<Put, StoreError>;

    /// Removes the row of an index. Returns false if there was none.
    ///
    /// - **SETTINGS-4** Rows of other indexes MUST stay.
    async fn settings_forget(&self, index: &PhysicalUid) -> Result<bool, StoreError>;
}
