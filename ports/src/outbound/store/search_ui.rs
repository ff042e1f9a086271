//! Table 13, `search_ui_config`.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::search_ui::SearchUiConfig;

use super::conditional::{Create, Put};
use super::error::StoreError;

/// Configurations of search pages.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait SearchUiTable: Send + Sync + 'static {
    /// Stores a new row, its version as given.
    ///
    /// - **SEARCHUI-1** If the index has a row, it MUST return [`Create::Exists`] and change nothing.
    async fn search_ui_create(&self, config: &SearchUiConfig) -> Result<Create, StoreError>;

    /// Returns the row of an index, if there is one.
    async fn search_ui_get(&self, index: &IndexUid) -> Result<Option<SearchUiConfig>, StoreError>;

    /// Replaces the row of `config.index_uid` if its version is `config.version`. The stored row gets that
    /// version plus one.
    ///
    /// - **SEARCHUI-2** If the row has another version, or there is no row, it MUST return [`Put::Conflict`]
    ///   and change nothing.
    async fn search_ui_put(&self, config: &SearchUiConfig) -> Result<Put, StoreError>;

    /// Removes the row. Returns false if there was none.
    async fn search_ui_delete(&self, index: &IndexUid) -> Result<bool, StoreError>;

    /// Returns up to `limit` rows after the index `after`.
    ///
    /// - **SEARCHUI-3** They MUST be in the byte order of their indexes, each once.
    async fn search_ui_list(
        &self,
        after: Option<IndexUid>,
        limit: u32,
    ) -> Result<Vec<SearchUiConfig>, StoreError>;
}
