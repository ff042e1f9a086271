//! Tables 8 and 9, `canaries` and `canary_runs`.

use async_trait::async_trait;
use miroir_domain::canary::{Canary, CanaryRun};
use miroir_domain::row::{check_json, check_positive};
use miroir_ports::outbound::{CanaryTable, Create, Put, StoreError};
use rusqlite::{Connection, named_params};

use crate::error::Failure;
use crate::row::{Column, Reader, Row, to_json};
use crate::statement::{all, change, changed};
use crate::store::SqliteStore;
use crate::table::{Keyed, Versioned};

// The columns of `canary_get.sql` and `canary_list.sql`.
const ID: Column = Column(0, "id");
const NAME: Column = Column(1, "name");
const INDEX_UID: Column = Column(2, "index_uid");
const INTERVAL_S: Column = Column(3, "interval_s");
const QUERY: Column = Column(4, "query_json");
const ASSERTIONS: Column = Column(5, "assertions_json");
const ENABLED: Column = Column(6, "enabled");
const CREATED_AT: Column = Column(7, "created_at");
const VERSION: Column = Column(8, "version");
// The columns of `canary_run_list.sql`.
const CANARY_ID: Column = Column(0, "canary_id");
const RAN_AT: Column = Column(1, "ran_at");
const STATUS: Column = Column(2, "status");
const LATENCY_MS: Column = Column(3, "latency_ms");
const FAILED_ASSERTIONS: Column = Column(4, "failed_assertions_json");

impl Row for Canary {
    const TABLE: &'static str = "canaries";
    const KEY: &'static [Column] = &[ID];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        Ok(Self {
            id: reader.get(ID)?,
            name: reader.get(NAME)?,
            index_uid: reader.name_always(INDEX_UID)?,
            interval_s: reader.get(INTERVAL_S)?,
            query: reader.json_always(QUERY)?,
            assertions: reader.json_always(ASSERTIONS)?,
            enabled: reader.get(ENABLED)?,
            created_at: reader.time_always(CREATED_AT)?,
            version: reader.counter(VERSION)?,
        })
    }
}

impl Keyed for Canary {
    const GET: &'static str = include_str!("sql/canary_get.sql");
    const LIST: &'static str = include_str!("sql/canary_list.sql");
    const DELETE: &'static str = include_str!("sql/canary_delete.sql");
}

impl Versioned for Canary {
    const INSERT: &'static str = include_str!("sql/canary_insert.sql");
    const UPDATE: &'static str = include_str!("sql/canary_update.sql");

    fn key(&self) -> &str {
        &self.id
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn write(&self, connection: &Connection, version: u64, sql: &str) -> Result<bool, Failure> {
        let params = named_params! {
            ":id": self.id,
            ":name": self.name,
            ":index_uid": self.index_uid.as_str(),
            ":interval_s": self.interval_s,
            ":query": to_json(&self.query)?,
            ":assertions": to_json(&self.assertions)?,
            ":enabled": self.enabled,
            ":created_at": self.created_at.as_millis(),
            ":version": version.cast_signed(),
        };
        changed(connection, sql, params)
    }
}

impl Row for CanaryRun {
    const TABLE: &'static str = "canary_runs";
    const KEY: &'static [Column] = &[CANARY_ID, RAN_AT];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        Ok(Self {
            canary_id: reader.get(CANARY_ID)?,
            ran_at: reader.time_always(RAN_AT)?,
            status: reader.name_always(STATUS)?,
            latency_ms: reader.counter(LATENCY_MS)?,
            failed_assertions: reader.json_always(FAILED_ASSERTIONS)?,
        })
    }
}

#[async_trait]
impl CanaryTable for SqliteStore {
    async fn canary_create(&self, canary: &Canary) -> Result<Create, StoreError> {
        canary.check()?;
        self.row_create(canary).await
    }

    async fn canary_get(&self, id: &str) -> Result<Option<Canary>, StoreError> {
        self.row_get(id.to_owned()).await
    }

    async fn canary_put(&self, canary: &Canary) -> Result<Put, StoreError> {
        canary.check()?;
        self.row_put([canary]).await
    }

    async fn canary_delete(&self, id: &str) -> Result<bool, StoreError> {
        self.row_delete::<Canary>(id.to_owned()).await
    }

    async fn canary_list(&self, after: Option<String>, limit: u32) -> Result<Vec<Canary>, StoreError> {
        self.row_list(after, limit).await
    }

    async fn canary_run_append(&self, run: &CanaryRun, keep: u32) -> Result<bool, StoreError> {
        check_positive("the number of runs to keep", keep.into())?;
        check_json("the failed assertions of a run", &run.failed_assertions)?;
        let run = run.clone();
        self.write(move |connection| {
            let params = named_params! {
                ":canary_id": run.canary_id,
                ":ran_at": run.ran_at.as_millis(),
                ":status": run.status.as_str(),
                ":latency_ms": run.latency_ms.cast_signed(),
                ":failed_assertions": to_json(&run.failed_assertions)?,
            };
            if !changed(connection, include_str!("sql/canary_run_insert.sql"), params)? {
                return Ok(false);
            }
            change(connection, include_str!("sql/canary_run_trim.sql"), (run.canary_id.as_str(), keep))?;
            Ok(true)
        })
        .await
    }

    async fn canary_run_list(&self, id: &str, limit: u32) -> Result<Vec<CanaryRun>, StoreError> {
        let id = id.to_owned();
        self.read(move |connection| all(connection, include_str!("sql/canary_run_list.sql"), (id, limit)))
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_match_the_statements() {
        let columns = [ID, NAME, INDEX_UID, INTERVAL_S, QUERY, ASSERTIONS, ENABLED, CREATED_AT, VERSION];
        assert_columns(Canary::GET, &columns);
        assert_columns(Canary::LIST, &columns);
        let columns = [CANARY_ID, RAN_AT, STATUS, LATENCY_MS, FAILED_ASSERTIONS];
        assert_columns(include_str!("sql/canary_run_list.sql"), &columns);
    }
}
