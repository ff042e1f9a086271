//! Aliases: made, looked at, flipped, swapped, removed.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::alias::{AliasChange, AliasView, NewAlias};
use serde::Serialize;

use super::ApiError;

/// A page of aliases.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AliasList {
    /// In the order of their names.
    pub results: Vec<AliasView>,
    /// The name after which the next page begins, where there is one.
    pub next: Option<IndexUid>,
}

/// Aliases.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait AliasApi: Send + Sync + 'static {
    /// Creates an alias. Refused: a name that an alias or an index has, a target that is an alias or, unless the client
    /// does without, no index.
    async fn alias_create(&self, new: NewAlias) -> Result<AliasView, ApiError>;

    /// Up to `limit` aliases, starting after `after`.
    async fn alias_list(&self, after: Option<IndexUid>, limit: u32) -> Result<AliasList, ApiError>;

    /// One alias with its history.
    async fn alias_get(&self, name: IndexUid) -> Result<AliasView, ApiError>;

    /// Gives an alias another target, if its version is `version` where one is named. Once this has answered, every request
    /// that begins sees the new target; on other instances within a second. The present target again changes nothing.
    async fn alias_flip(
        &self,
        name: IndexUid,
        change: AliasChange,
        version: Option<u64>,
    ) -> Result<AliasView, ApiError>;

    /// Exchanges the targets of two aliases, both or neither.
    async fn alias_swap(&self, first: IndexUid, second: IndexUid) -> Result<[AliasView; 2], ApiError>;

    /// Removes an alias. Refused while a rollover policy uses it.
    async fn alias_delete(&self, name: IndexUid) -> Result<(), ApiError>;
}
