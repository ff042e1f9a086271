//! Table 13, `search_ui_config`.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::row::check_json;
use miroir_domain::search_ui::SearchUiConfig;
use miroir_ports::outbound::{Create, Put, SearchUiTable, StoreError};
use rusqlite::{Connection, Row};

use crate::SqliteStore;
use crate::error::Failure;
use crate::row::{Column, Reader, key_text, to_json};
use crate::statement::{all, change, one, replace};

// The columns of `search_ui_get.sql` and `search_ui_list.sql`.
const INDEX_UID: Column = Column(0, "index_uid");
const CONFIG: Column = Column(1, "config_json");
const UPDATED_AT: Column = Column(2, "updated_at");
const VERSION: Column = Column(3, "version");

#[async_trait]
impl SearchUiTable for SqliteStore {
    async fn search_ui_create(&self, config: &SearchUiConfig) -> Result<Create, StoreError> {
        check_json("the configuration of a search page", &config.config)?;
        let config = config.clone();
        self.write(move |connection| {
            let created =
                write(connection, &config, config.version, include_str!("sql/search_ui_insert.sql"))?;
            Ok(if created > 0 { Create::Created } else { Create::Exists })
        })
        .await
    }

    async fn search_ui_get(&self, index: &IndexUid) -> Result<Option<SearchUiConfig>, StoreError> {
        let index = index.clone();
        self.read(move |connection| get(connection, &index)).await
    }

    async fn search_ui_put(&self, config: &SearchUiConfig) -> Result<Put, StoreError> {
        check_json("the configuration of a search page", &config.config)?;
        let config = config.clone();
        self.write(move |connection| {
            let found = get(connection, &config.index_uid)?.map(|row| row.version);
            replace(found, config.version, |version| {
                write(connection, &config, version, include_str!("sql/search_ui_update.sql"))?;
                Ok(())
            })
        })
        .await
    }

    async fn search_ui_delete(&self, index: &IndexUid) -> Result<bool, StoreError> {
        let index = index.clone();
        self.write(move |connection| {
            Ok(change(connection, include_str!("sql/search_ui_delete.sql"), [index.as_str()])? > 0)
        })
        .await
    }

    async fn search_ui_list(
        &self,
        after: Option<IndexUid>,
        limit: u32,
    ) -> Result<Vec<SearchUiConfig>, StoreError> {
        self.read(move |connection| {
            let after = after.as_ref().map(IndexUid::as_str);
            let params = (after.unwrap_or(""), after, limit);
            all(connection, include_str!("sql/search_ui_list.sql"), params, decode)
        })
        .await
    }
}

fn get(connection: &Connection, index: &IndexUid) -> Result<Option<SearchUiConfig>, Failure> {
    one(connection, include_str!("sql/search_ui_get.sql"), [index.as_str()], decode)
}

fn write(connection: &Connection, config: &SearchUiConfig, version: u64, sql: &str) -> Result<u64, Failure> {
    let updated_at = config.updated_at.as_millis();
    let params = (config.index_uid.as_str(), to_json(&config.config)?, updated_at, version.cast_signed());
    change(connection, sql, params)
}

fn decode(row: &Row<'_>) -> Result<SearchUiConfig, Failure> {
    let key = key_text(row, INDEX_UID)?;
    let reader = Reader { table: "search_ui_config", key: &key, row };
    Ok(SearchUiConfig {
        index_uid: reader.name_always(INDEX_UID)?,
        config: reader.json_always(CONFIG)?,
        updated_at: reader.time_always(UPDATED_AT)?,
        version: reader.counter(VERSION)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_stand_where_the_statements_have_them() {
        let columns = [INDEX_UID, CONFIG, UPDATED_AT, VERSION];
        assert_columns(include_str!("sql/search_ui_get.sql"), &columns);
        assert_columns(include_str!("sql/search_ui_list.sql"), &columns);
    }
}
