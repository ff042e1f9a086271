//! Table 13, `search_ui_config`.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::row::check_json;
use miroir_domain::search_ui::SearchUiConfig;
use miroir_ports::outbound::{Create, Put, SearchUiTable, StoreError};

use crate::keys::{SEARCH_UIS, Table};
use crate::row::{Columns, Reader};
use crate::store::RedisStore;
use crate::table::{Row, Versioned};

const WHAT: &str = "the configuration of a search page";

impl Row for SearchUiConfig {
    const TABLE: Table = SEARCH_UIS;
    const FIELDS: &'static [&'static str] = &["index_uid", "config_json", "updated_at", "version"];

    fn name(&self) -> String {
        self.index_uid.as_str().to_owned()
    }

    fn columns(&self) -> Result<Columns, StoreError> {
        Columns::default()
            .with("index_uid", self.index_uid.as_str())
            .time("updated_at", self.updated_at)
            .json("config_json", &self.config)
    }

    fn decode(reader: &Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            index_uid: reader.parsed_always("index_uid")?,
            config: reader.json_always("config_json")?,
            updated_at: reader.time_always("updated_at")?,
            version: reader.parsed_always("version")?,
        })
    }
}

impl Versioned for SearchUiConfig {
    fn version(&self) -> u64 {
        self.version
    }
}

#[async_trait]
impl SearchUiTable for RedisStore {
    async fn search_ui_create(&self, config: &SearchUiConfig) -> Result<Create, StoreError> {
        check_json(WHAT, &config.config)?;
        self.row_create(config).await
    }

    async fn search_ui_get(&self, index: &IndexUid) -> Result<Option<SearchUiConfig>, StoreError> {
        self.row_get(index.as_str()).await
    }

    async fn search_ui_put(&self, config: &SearchUiConfig) -> Result<Put, StoreError> {
        check_json(WHAT, &config.config)?;
        self.row_put(&[config]).await
    }

    async fn search_ui_delete(&self, index: &IndexUid) -> Result<bool, StoreError> {
        self.row_delete::<SearchUiConfig>(index.as_str()).await
    }

    async fn search_ui_list(
        &self,
        after: Option<IndexUid>,
        limit: u32,
    ) -> Result<Vec<SearchUiConfig>, StoreError> {
        self.row_list(after.map(String::from), limit).await
    }
}
