//! Table 3, `aliases`.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::alias::Alias;

use super::conditional::{Create, Put};
use super::error::StoreError;

/// Names that clients may use in place of indexes.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait AliasTable: Send + Sync + 'static {
    /// Stores a new alias, its version and history as given.
    ///
    /// - **ALIAS-1** If the name is taken, it MUST return [`Create::Exists`] and change nothing.
    async fn alias_create(&self, alias: &Alias) -> Result<Create, StoreError>;

    /// Returns the alias, if there is one.
    async fn alias_get(&self, name: &IndexUid) -> Result<Option<Alias>, StoreError>;

    /// Replaces the row of `alias.name` if its version is `alias.version`. The stored row gets that version
    /// plus one.
    ///
    /// - **ALIAS-2** If the row has another version, or there is no row, it MUST return [`Put::Conflict`] and
    ///   change nothing.
    async fn alias_put(&self, alias: &Alias) -> Result<Put, StoreError>;

    /// Replaces two rows, both or neither, each on the terms of [`AliasTable::alias_put`].
    ///
    /// - **ALIAS-3** If either conflicts, neither MUST change. Two rows of one name are `InvalidInput`.
    async fn alias_put_both(&self, first: &Alias, second: &Alias) -> Result<Put, StoreError>;

    /// Removes the alias. Returns false if there was none.
    async fn alias_delete(&self, name: &IndexUid) -> Result<bool, StoreError>;

    /// Returns up to `limit` aliases after the name `after`.
    ///
    /// - **ALIAS-4** They MUST be in the byte order of their names, each once.
    async fn alias_list(&self, after: Option<IndexUid>, limit: u32) -> Result<Vec<Alias>, StoreError>;
}
