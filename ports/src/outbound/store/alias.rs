//! Table 3, `aliases`.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::alias::Alias;

use super::error::StoreError;
use super::write::{Create, Put};

/// Names that stand for indexes.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait AliasTable: Send + Sync + 'static {
    /// Stores a new alias, its version and history as given.
    ///
    /// - **ALIAS-1** When the name is taken it MUST answer [`Create::Exists`] and change nothing.
    async fn alias_create(&self, alias: &Alias) -> Result<Create, StoreError>;

    /// The alias, or none.
    async fn alias_get(&self, name: &IndexUid) -> Result<Option<Alias>, StoreError>;

    /// Replaces the row of `alias.name` if its version is `alias.version`; the stored row gets that plus one.
    ///
    /// - **ALIAS-2** A row of another version, or no row, MUST answer [`Put::Conflict`] and change nothing.
    async fn alias_put(&self, alias: &Alias) -> Result<Put, StoreError>;

    /// Replaces two rows, both or neither, each on the terms of [`AliasTable::alias_put`].
    ///
    /// - **ALIAS-3** When either conflicts, neither MUST change. Two rows of one name are `InvalidInput`.
    async fn alias_put_both(&self, first: &Alias, second: &Alias) -> Result<Put, StoreError>;

    /// Removes the alias; false when there was none.
    async fn alias_delete(&self, name: &IndexUid) -> Result<bool, StoreError>;

    /// Up to `limit` aliases, starting after `after`.
    ///
    /// - **ALIAS-4** They MUST come in the byte order of their names, each once.
    async fn alias_list(&self, after: Option<IndexUid>, limit: u32) -> Result<Vec<Alias>, StoreError>;
}
