//! Tables 8 and 9, `canaries` and `canary_runs`.

use async_trait::async_trait;
use miroir_domain::canary::{Canary, CanaryRun};
use miroir_domain::row::{check_json, check_positive};
use miroir_ports::outbound::{CanaryTable, Create, Put, StoreError};
use rusqlite::{Connection, Row, named_params};

use crate::SqliteStore;
use crate::error::Failure;
use crate::row::{Column, Reader, key_text, to_json};
use crate::statement::{all, change, one, replace};

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
// Those of `canary_run_list.sql`.
const CANARY_ID: Column = Column(0, "canary_id");
const RAN_AT: Column = Column(1, "ran_at");
const STATUS: Column = Column(2, "status");
const LATENCY_MS: Column = Column(3, "latency_ms");
const FAILED_ASSERTIONS: Column = Column(4, "failed_assertions_json");

#[async_trait]
impl CanaryTable for SqliteStore {
    async fn canary_create(&self, canary: &Canary) -> Result<Create, StoreError> {
        canary.check()?;
        let canary = canary.clone();
        self.write(move |connection| {
            let created = write(connection, &canary, canary.version, include_str!("sql/canary_insert.sql"))?;
            Ok(if created > 0 { Create::Created } else { Create::Exists })
        })
        .await
    }

    async fn canary_get(&self, id: &str) -> Result<Option<Canary>, StoreError> {
        let id = id.to_owned();
        self.read(move |connection| get(connection, &id)).await
    }

    async fn canary_put(&self, canary: &Canary) -> Result<Put, StoreError> {
        canary.check()?;
        let canary = canary.clone();
        self.write(move |connection| {
            let found = get(connection, &canary.id)?.map(|row| row.version);
            replace(found, canary.version, |version| {
                write(connection, &canary, version, include_str!("sql/canary_update.sql"))?;
                Ok(())
            })
        })
        .await
    }

    async fn canary_delete(&self, id: &str) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write(move |connection| {
            Ok(change(connection, include_str!("sql/canary_delete.sql"), [id.as_str()])? > 0)
        })
        .await
    }

    async fn canary_list(&self, after: Option<String>, limit: u32) -> Result<Vec<Canary>, StoreError> {
        self.read(move |connection| {
            let after = after.as_deref();
            all(connection, include_str!("sql/canary_list.sql"), (after.unwrap_or(""), after, limit), decode)
        })
        .await
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
            if change(connection, include_str!("sql/canary_run_insert.sql"), params)? == 0 {
                return Ok(false);
            }
            change(connection, include_str!("sql/canary_run_trim.sql"), (run.canary_id.as_str(), keep))?;
            Ok(true)
        })
        .await
    }

    async fn canary_run_list(&self, id: &str, limit: u32) -> Result<Vec<CanaryRun>, StoreError> {
        let id = id.to_owned();
        self.read(move |connection| {
            all(connection, include_str!("sql/canary_run_list.sql"), (id, limit), decode_run)
        })
        .await
    }
}

fn get(connection: &Connection, id: &str) -> Result<Option<Canary>, Failure> {
    one(connection, include_str!("sql/canary_get.sql"), [id], decode)
}

fn write(connection: &Connection, canary: &Canary, version: u64, sql: &str) -> Result<u64, Failure> {
    let params = named_params! {
        ":id": canary.id,
        ":name": canary.name,
        ":index_uid": canary.index_uid.as_str(),
        ":interval_s": canary.interval_s,
        ":query": to_json(&canary.query)?,
        ":assertions": to_json(&canary.assertions)?,
        ":enabled": canary.enabled,
        ":created_at": canary.created_at.as_millis(),
        ":version": version.cast_signed(),
    };
    change(connection, sql, params)
}

fn decode(row: &Row<'_>) -> Result<Canary, Failure> {
    let key = key_text(row, ID)?;
    let reader = Reader { table: "canaries", key: &key, row };
    Ok(Canary {
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

fn decode_run(row: &Row<'_>) -> Result<CanaryRun, Failure> {
    let key = format!("{}/{}", key_text(row, CANARY_ID)?, row.get::<_, i64>(RAN_AT.0)?);
    let reader = Reader { table: "canary_runs", key: &key, row };
    Ok(CanaryRun {
        canary_id: reader.get(CANARY_ID)?,
        ran_at: reader.time_always(RAN_AT)?,
        status: reader.name_always(STATUS)?,
        latency_ms: reader.counter(LATENCY_MS)?,
        failed_assertions: reader.json_always(FAILED_ASSERTIONS)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_stand_where_the_statements_have_them() {
        let columns = [ID, NAME, INDEX_UID, INTERVAL_S, QUERY, ASSERTIONS, ENABLED, CREATED_AT, VERSION];
        assert_columns(include_str!("sql/canary_get.sql"), &columns);
        assert_columns(include_str!("sql/canary_list.sql"), &columns);
        let columns = [CANARY_ID, RAN_AT, STATUS, LATENCY_MS, FAILED_ASSERTIONS];
        assert_columns(include_str!("sql/canary_run_list.sql"), &columns);
    }
}
