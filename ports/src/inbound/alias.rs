//! Use cases of aliases.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::alias::{AliasChange, AliasView, NewAlias};
use serde::Serialize;

use super::ApiError;

/// A page of aliases.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AliasList {
    /// The page, in the order of the names.
    pub results: Vec<AliasView>,
    /// The name after which the next page begins, if there is one.
    pub next: Option<IndexUid>,
}

/// Aliases.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait AliasApi: Send + Sync + 'static {
    /// Creates an alias. Refuses a name that an alias or an index has, a target that is an alias and, unless
    /// the client says otherwise, a target that does not exist.
    async fn alias_create(&self, new: NewAlias) -> Result<AliasView, ApiError>;

    /// Returns up to `limit` aliases after `after`.
    async fn alias_list(&self, after: Option<IndexUid>, limit: u32) -> Result<AliasList, ApiError>;

    /// Returns an alias with its history.
    async fn alias_get(&self, name: IndexUid) -> Result<AliasView, ApiError>;

    /// Gives an alias another target, if its version is `version` where one is given. After that, every
    /// request that begins uses the new target; on other instances within a second. The present target
    /// changes nothing.
    async fn alias_flip(
        &self,
        name: IndexUid,
        change: AliasChange,
        version: Option<u64>,
    ) -> Result<AliasView, ApiError>;

    /// Exchanges the targets of two aliases, both or neither.
    async fn alias_swap(&self, first: IndexUid, second: IndexUid) -> Result<[AliasView; 2], ApiError>;

    /// Deletes an alias. Refuses an alias that a rollover policy uses.
    async fn alias_delete(&self, name: IndexUid) -> Result<(), ApiError>;
}
