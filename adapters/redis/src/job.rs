//! Table 6, `jobs`.

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::job::{Job, JobClaim, JobEnd, JobState, NewJob};
use miroir_domain::row::{check_expiry, check_json, check_positive};
use miroir_ports::outbound::{Create, JobDepth, JobTable, StoreError};
use redis::ScriptInvocation;
use serde_json::Value;

use crate::call::{changing, script};
use crate::keys::{JOBS, Table};
use crate::row::{Columns, Reader, Values, to_json};
use crate::store::RedisStore;
use crate::table::{Row, decode};

impl Row for Job {
    const TABLE: Table = JOBS;
    const FIELDS: &'static [&'static str] = &[
        "id",
        "type",
        "params",
        "state",
        "claimed_by",
        "claim_expires_at",
        "claim_token",
        "attempts",
        "max_attempts",
        "progress",
        "last_error",
    ];

    fn name(&self) -> String {
        self.id.clone()
    }

    fn columns(&self) -> Result<Columns, StoreError> {
        let claim = self.claim.as_ref();
        Columns::default()
            .with("id", &self.id)
            .with("type", &self.kind)
            .with("state", self.state.as_str())
            .maybe("claimed_by", claim.map(|claim| &claim.claimed_by))
            .maybe_time("claim_expires_at", claim.map(|claim| claim.expires_at))
            .maybe("claim_token", claim.map(|claim| claim.token))
            .with("attempts", self.attempts)
            .with("max_attempts", self.max_attempts)
            .maybe("last_error", self.last_error.as_ref())
            .json("params", &self.params)?
            .maybe_json("progress", self.progress.as_ref())
    }

    fn decode(reader: &Reader<'_>) -> Result<Self, StoreError> {
        let state: JobState = reader.parsed_always("state")?;
        let claim = match state {
            JobState::Claimed => Some(JobClaim {
                claimed_by: reader.text_always("claimed_by")?,
                expires_at: reader.time_always("claim_expires_at")?,
                token: reader.parsed_always("claim_token")?,
            }),
            _ => None,
        };
        Ok(Self {
            id: reader.text_always("id")?,
            kind: reader.text_always("type")?,
            params: reader.json_always("params")?,
            state,
            claim,
            attempts: reader.parsed_always("attempts")?,
            max_attempts: reader.parsed_always("max_attempts")?,
            progress: reader.json("progress")?,
            last_error: reader.text("last_error")?.map(str::to_owned),
        })
    }
}

impl RedisStore {
    /// Adds the keys of the queue in the order that `lua/job.lua` expects.
    fn push_queue(&self, script: &mut ScriptInvocation<'_>) {
        for name in ["_index", "_queued", "_claimed", "_place", "_token"] {
            script.key(self.keys.own(JOBS, name));
        }
        script.key(self.keys.base(JOBS));
    }
}

#[async_trait]
impl JobTable for RedisStore {
    async fn job_enqueue(&self, job: &NewJob) -> Result<Create, StoreError> {
        check_positive("the attempts of a job", job.max_attempts.into())?;
        check_json("the parameters of a job", &job.params)?;
        let mut script = changing!("lua/name.lua", "lua/job.lua", "lua/job_enqueue.lua");
        self.push_queue(&mut script);
        script.arg(&job.id);
        job.clone().into_job().columns()?.push_to(&mut script);
        let created: bool = self.change_by(JOBS, &job.id, &mut script).await?;
        Ok(if created { Create::Created } else { Create::Exists })
    }

    async fn job_claim(
        &self,
        claimed_by: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Job>, StoreError> {
        check_expiry("a claim", expires_at, now)?;
        let mut script = changing!("lua/name.lua", "lua/job.lua", "lua/job_claim.lua");
        self.push_queue(&mut script);
        script.arg(claimed_by).arg(expires_at.as_millis()).arg(now.as_millis()).arg(Job::FIELDS);
        let claimed: Option<(Vec<u8>, Values)> = self.change_by(JOBS, "of a claim", &mut script).await?;
        let Some((id, values)) = claimed else { return Ok(None) };
        decode(&String::from_utf8_lossy(&id), values)
    }

    async fn job_heartbeat(
        &self,
        id: &str,
        token: u64,
        progress: Option<Value>,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if let Some(progress) = &progress {
            check_json("the progress of a job", progress)?;
        }
        let mut script = changing!("lua/name.lua", "lua/job.lua", "lua/job_heartbeat.lua");
        self.push_queue(&mut script);
        script.arg(id).arg(token).arg(now.as_millis()).arg(expires_at.as_millis());
        if let Some(progress) = &progress {
            script.arg(to_json(progress)?);
        }
        self.change_by(JOBS, id, &mut script).await
    }

    async fn job_finish(
        &self,
        id: &str,
        token: u64,
        end: JobEnd,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut script = changing!("lua/name.lua", "lua/job.lua", "lua/job_finish.lua");
        self.push_queue(&mut script);
        script.arg(id).arg(token).arg(now.as_millis());
        match &end {
            JobEnd::Succeeded => script.arg("succeeded"),
            JobEnd::Failed(error) => script.arg("failed").arg(error),
            JobEnd::Retry(error) => script.arg("retry").arg(error),
        };
        self.change_by(JOBS, id, &mut script).await
    }

    async fn job_cancel(&self, id: &str) -> Result<bool, StoreError> {
        let mut script = changing!("lua/name.lua", "lua/job.lua", "lua/job_cancel.lua");
        self.push_queue(&mut script);
        script.arg(id);
        self.change_by(JOBS, id, &mut script).await
    }

    async fn job_delete(&self, id: &str) -> Result<bool, StoreError> {
        let mut script = changing!("lua/name.lua", "lua/job.lua", "lua/job_delete.lua");
        self.push_queue(&mut script);
        script.arg(id);
        self.change_by(JOBS, id, &mut script).await
    }

    async fn job_get(&self, id: &str) -> Result<Option<Job>, StoreError> {
        self.row_get(id).await
    }

    async fn job_list(&self, after: Option<String>, limit: u32) -> Result<Vec<Job>, StoreError> {
        self.row_list(after, limit).await
    }

    async fn job_depth(&self) -> Result<JobDepth, StoreError> {
        let mut script = script!("lua/job_depth.lua");
        script.key(self.keys.own(JOBS, "_queued")).key(self.keys.own(JOBS, "_claimed"));
        let (queued, claimed) = self.read_by(JOBS.name, "of the depth", &script).await?;
        Ok(JobDepth { queued, claimed })
    }
}
