//! Table 13, `search_ui_config`.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::search_ui::SearchUiConfig;

use super::error::StoreError;
use super::write::{Create, Put};

/// What search pages show.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait SearchUiTable: Send + Sync + 'static {
    /// Stores a new row, its version as given.
    ///
    /// - **SEARCHUI-1** When the index has one it MUST answer [`Create::Exists`] and change nothing.
    async fn search_ui_create(&self, config: &SearchUiConfig) -> Result<Create, StoreError>;

    /// The row of an index, or none.
    async fn search_ui_get(&self, index: &IndexUid) -> Result<Option<SearchUiConfig>, StoreError>;

    /// Replaces the row of `config.index_uid` if its version is `config.version`; the stored row gets that plus one.
    ///
    /// - **SEARCHUI-2** A row of another version, or no row, MUST answer [`Put::Conflict`] and change nothing.
    async fn search_ui_put(&self, config: &SearchUiConfig) -> Result<Put, StoreError>;

    /// Removes the row; false when there was none.
    async fn search_ui_delete(&self, index: &IndexUid) -> Result<bool, StoreError>;

    /// Up to `limit` rows, starting after `after`.
    ///
    /// - **SEARCHUI-3** They MUST come in the byte order of their indexes, each once.
    async fn search_ui_list(
        &self,
        after: Option<IndexUid>,
        limit: u32,
    ) -> Result<Vec<SearchUiConfig>, StoreError>;
}
