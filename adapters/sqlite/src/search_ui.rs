//! Table 13, `search_ui_config`.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::row::check_json;
use miroir_domain::search_ui::SearchUiConfig;
use miroir_ports::outbound::{Create, Put, SearchUiTable, StoreError};
use rusqlite::Connection;

use crate::error::Failure;
use crate::row::{Column, Reader, Row, to_json};
use crate::statement::changed;
use crate::store::SqliteStore;
use crate::table::{Keyed, Versioned};

// The columns of `search_ui_get.sql` and `search_ui_list.sql`.
const INDEX_UID: Column = Column(0, "index_uid");
const CONFIG: Column = Column(1, "config_json");
const UPDATED_AT: Column = Column(2, "updated_at");
const VERSION: Column = Column(3, "version");

impl Row for SearchUiConfig {
    const TABLE: &'static str = "search_ui_config";
    const KEY: &'static [Column] = &[INDEX_UID];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        Ok(Self {
            index_uid: reader.name_always(INDEX_UID)?,
            config: reader.json_always(CONFIG)?,
            updated_at: reader.time_always(UPDATED_AT)?,
            version: reader.counter(VERSION)?,
        })
    }
}

impl Keyed for SearchUiConfig {
    const GET: &'static str = include_str!("sql/search_ui_get.sql");
    const LIST: &'static str = include_str!("sql/search_ui_list.sql");
    const DELETE: &'static str = include_str!("sql/search_ui_delete.sql");
}

impl Versioned for SearchUiConfig {
    const INSERT: &'static str = include_str!("sql/search_ui_insert.sql");
    const UPDATE: &'static str = include_str!("sql/search_ui_update.sql");

    fn key(&self) -> &str {
        self.index_uid.as_str()
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn write(&self, connection: &Connection, version: u64, sql: &str) -> Result<bool, Failure> {
        let updated_at = self.updated_at.as_millis();
        let params = (self.index_uid.as_str(), to_json(&self.config)?, updated_at, version.cast_signed());
        changed(connection, sql, params)
    }
}

#[async_trait]
impl SearchUiTable for SqliteStore {
    async fn search_ui_create(&self, config: &SearchUiConfig) -> Result<Create, StoreError> {
        check_json("the configuration of a search page", &config.config)?;
        self.row_create(config).await
    }

    async fn search_ui_get(&self, index: &IndexUid) -> Result<Option<SearchUiConfig>, StoreError> {
        self.row_get(index.as_str().to_owned()).await
    }

    async fn search_ui_put(&self, config: &SearchUiConfig) -> Result<Put, StoreError> {
        check_json("the configuration of a search page", &config.config)?;
        self.row_put([config]).await
    }

    async fn search_ui_delete(&self, index: &IndexUid) -> Result<bool, StoreError> {
        self.row_delete::<SearchUiConfig>(index.as_str().to_owned()).await
    }

    async fn search_ui_list(
        &self,
        after: Option<IndexUid>,
        limit: u32,
    ) -> Result<Vec<SearchUiConfig>, StoreError> {
        self.row_list(after.map(String::from), limit).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_match_the_statements() {
        let columns = [INDEX_UID, CONFIG, UPDATED_AT, VERSION];
        assert_columns(SearchUiConfig::GET, &columns);
        assert_columns(SearchUiConfig::LIST, &columns);
    }
}
