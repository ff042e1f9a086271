//! Tables 8 and 9, `canaries` and `canary_runs`.

use std::error::Error;

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::canary::{Canary, CanaryRun, CanaryStatus};
use miroir_domain::row::{check_json, check_positive};
use miroir_ports::outbound::{CanaryTable, Create, Put, StoreError};
use redis::cmd;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::changing;
use crate::keys::{CANARIES, CANARY_RUNS, Table};
use crate::row::{Columns, Reader, to_json};
use crate::store::RedisStore;
use crate::table::{Row, Versioned};

impl Row for Canary {
    const TABLE: Table = CANARIES;
    const FIELDS: &'static [&'static str] = &[
        "id",
        "name",
        "index_uid",
        "interval_s",
        "query_json",
        "assertions_json",
        "enabled",
        "created_at",
        "version",
    ];

    fn name(&self) -> String {
        self.id.clone()
    }

    fn columns(&self) -> Result<Columns, StoreError> {
        Columns::default()
            .with("id", &self.id)
            .with("name", &self.name)
            .with("index_uid", self.index_uid.as_str())
            .with("interval_s", self.interval_s)
            .with("enabled", self.enabled)
            .time("created_at", self.created_at)
            .json("query_json", &self.query)?
            .json("assertions_json", &self.assertions)
    }

    fn decode(reader: &Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: reader.text_always("id")?,
            name: reader.text_always("name")?,
            index_uid: reader.parsed_always("index_uid")?,
            interval_s: reader.parsed_always("interval_s")?,
            query: reader.json_always("query_json")?,
            assertions: reader.json_always("assertions_json")?,
            enabled: reader.parsed_always("enabled")?,
            created_at: reader.time_always("created_at")?,
            version: reader.parsed_always("version")?,
        })
    }
}

impl Versioned for Canary {
    fn version(&self) -> u64 {
        self.version
    }
}

/// A run, as a member of the sorted set of its canary. The score is `ran_at`.
#[derive(Serialize, Deserialize)]
struct Member {
    ran_at: i64,
    status: String,
    latency_ms: u64,
    failed_assertions: Value,
}

impl Member {
    fn of(run: &CanaryRun) -> Self {
        Self {
            ran_at: run.ran_at.as_millis(),
            status: run.status.as_str().to_owned(),
            latency_ms: run.latency_ms,
            failed_assertions: run.failed_assertions.clone(),
        }
    }

    fn run(self, canary_id: &str) -> Result<CanaryRun, StoreError> {
        let status: CanaryStatus = self.status.parse().map_err(|error| undecodable(canary_id, error))?;
        Ok(CanaryRun {
            canary_id: canary_id.to_owned(),
            ran_at: Timestamp::from_millis(self.ran_at),
            status,
            latency_ms: self.latency_ms,
            failed_assertions: self.failed_assertions,
        })
    }
}

fn undecodable(canary_id: &str, error: impl Error + Send + Sync + 'static) -> StoreError {
    StoreError::corrupt(CANARY_RUNS.name, canary_id, "a run cannot be decoded").with_source(error)
}

#[async_trait]
impl CanaryTable for RedisStore {
    async fn canary_create(&self, canary: &Canary) -> Result<Create, StoreError> {
        canary.check()?;
        self.row_create(canary).await
    }

    async fn canary_get(&self, id: &str) -> Result<Option<Canary>, StoreError> {
        self.row_get(id).await
    }

    async fn canary_put(&self, canary: &Canary) -> Result<Put, StoreError> {
        canary.check()?;
        self.row_put(&[canary]).await
    }

    async fn canary_delete(&self, id: &str) -> Result<bool, StoreError> {
        let mut script = changing!("lua/canary_delete.lua");
        script
            .key(self.keys.row(CANARIES, id))
            .key(self.keys.own(CANARIES, "_index"))
            .key(self.keys.row(CANARY_RUNS, id))
            .arg(id);
        self.change_by(CANARIES, id, &mut script).await
    }

    async fn canary_list(&self, after: Option<String>, limit: u32) -> Result<Vec<Canary>, StoreError> {
        self.row_list(after, limit).await
    }

    async fn canary_run_append(&self, run: &CanaryRun, keep: u32) -> Result<bool, StoreError> {
        check_positive("the number of runs to keep", keep.into())?;
        check_json("the failed assertions of a run", &run.failed_assertions)?;
        let mut script = changing!("lua/canary_run_append.lua");
        script
            .key(self.keys.row(CANARIES, &run.canary_id))
            .key(self.keys.row(CANARY_RUNS, &run.canary_id))
            .arg(run.ran_at.as_millis())
            .arg(to_json(&Member::of(run))?)
            .arg(keep);
        self.change_by(CANARY_RUNS, &run.canary_id, &mut script).await
    }

    async fn canary_run_list(&self, id: &str, limit: u32) -> Result<Vec<CanaryRun>, StoreError> {
        let Some(last) = limit.checked_sub(1) else { return Ok(Vec::new()) };
        let mut command = cmd("ZRANGE");
        command.arg(self.keys.row(CANARY_RUNS, id)).arg(0).arg(last).arg("REV");
        let members: Vec<Vec<u8>> = self.read(CANARY_RUNS.name, id, &command).await?;
        let runs = members.iter().map(|member| {
            let member: Member = serde_json::from_slice(member).map_err(|error| undecodable(id, error))?;
            member.run(id)
        });
        runs.collect()
    }
}
