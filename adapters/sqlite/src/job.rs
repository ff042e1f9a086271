//! Table 6, `jobs`, with the queue in `job_queue` and `job_totals`.

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::job::{Job, JobClaim, JobEnd, JobState, NewJob};
use miroir_domain::row::{check_expiry, check_json, check_positive};
use miroir_ports::outbound::{Create, JobDepth, JobTable, StoreError};
use rusqlite::{Connection, named_params};
use serde_json::Value;

use crate::error::Failure;
use crate::row::{Column, Reader, Row, to_json};
use crate::statement::{all, change, changed, count, one, value};
use crate::store::SqliteStore;
use crate::table::Keyed;

// The columns of `job_get.sql`, `job_list.sql`, `job_first.sql` and `job_expired.sql`.
const ID: Column = Column(0, "id");
const KIND: Column = Column(1, "type");
const PARAMS: Column = Column(2, "params");
const STATE: Column = Column(3, "state");
const CLAIMED_BY: Column = Column(4, "claimed_by");
const CLAIM_EXPIRES_AT: Column = Column(5, "claim_expires_at");
const CLAIM_TOKEN: Column = Column(6, "claim_token");
const ATTEMPTS: Column = Column(7, "attempts");
const PROGRESS: Column = Column(8, "progress");
const MAX_ATTEMPTS: Column = Column(9, "max_attempts");
const LAST_ERROR: Column = Column(10, "last_error");

impl Row for Job {
    const TABLE: &'static str = "jobs";
    const KEY: &'static [Column] = &[ID];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        let claimed_by: Option<String> = reader.get(CLAIMED_BY)?;
        let claim = match claimed_by {
            Some(claimed_by) => Some(JobClaim {
                claimed_by,
                expires_at: reader.time_always(CLAIM_EXPIRES_AT)?,
                token: reader.counter(CLAIM_TOKEN)?,
            }),
            None => None,
        };
        Ok(Self {
            id: reader.get(ID)?,
            kind: reader.get(KIND)?,
            params: reader.json_always(PARAMS)?,
            state: reader.name_always(STATE)?,
            claim,
            attempts: reader.get(ATTEMPTS)?,
            max_attempts: reader.get(MAX_ATTEMPTS)?,
            progress: reader.json(PROGRESS)?,
            last_error: reader.get(LAST_ERROR)?,
        })
    }
}

impl Keyed for Job {
    const GET: &'static str = include_str!("sql/job_get.sql");
    const LIST: &'static str = include_str!("sql/job_list.sql");
    /// Deletes finished jobs only.
    const DELETE: &'static str = include_str!("sql/job_delete.sql");
}

#[async_trait]
impl JobTable for SqliteStore {
    async fn job_enqueue(&self, job: &NewJob) -> Result<Create, StoreError> {
        check_positive("the attempts of a job", job.max_attempts.into())?;
        check_json("the parameters of a job", &job.params)?;
        let job = job.clone().into_job();
        self.write(move |connection| {
            let params = (job.id.as_str(), job.kind.as_str(), to_json(&job.params)?, job.state.as_str());
            if !changed(connection, include_str!("sql/job_insert.sql"), params)? {
                return Ok(Create::Exists);
            }
            let params = (job.id.as_str(), job.max_attempts, next_position(connection)?);
            change(connection, include_str!("sql/job_queue_insert.sql"), params)?;
            Ok(Create::Created)
        })
        .await
    }

    async fn job_claim(
        &self,
        claimed_by: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Job>, StoreError> {
        check_expiry("a claim", expires_at, now)?;
        let claimed_by = claimed_by.to_owned();
        self.write(move |connection| {
            for job in all::<Job>(connection, include_str!("sql/job_expired.sql"), [now.as_millis()])? {
                write(connection, &job.expired())?;
            }
            let Some(job) = one::<Job>(connection, include_str!("sql/job_first.sql"), [])? else {
                return Ok(None);
            };
            let token = value(connection, include_str!("sql/job_next_token.sql"), [], |row| count(row, 0))?
                .ok_or_else(no_totals)?;
            let claim = JobClaim { claimed_by: claimed_by.clone(), expires_at, token };
            let attempts = job.attempts + 1;
            let job = Job { state: JobState::Claimed, claim: Some(claim), attempts, ..job };
            write(connection, &job)?;
            Ok(Some(job))
        })
        .await
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
        let progress = progress.as_ref().map(to_json).transpose()?;
        let (id, now, expires_at) = (id.to_owned(), now.as_millis(), expires_at.as_millis());
        self.write(move |connection| {
            let params = (id.as_str(), token.cast_signed(), now, expires_at, progress.as_deref());
            changed(connection, include_str!("sql/job_heartbeat.sql"), params)
        })
        .await
    }

    async fn job_finish(
        &self,
        id: &str,
        token: u64,
        end: JobEnd,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write(move |connection| {
            let job = get(connection, &id)?.filter(|job| job.is_claimed_with(token, now));
            write_if_some(connection, job.map(|job| job.ended(end.clone())))
        })
        .await
    }

    async fn job_cancel(&self, id: &str) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write(move |connection| {
            let job = get(connection, &id)?.filter(|job| !job.state.is_finished());
            write_if_some(connection, job.map(Job::canceled))
        })
        .await
    }

    async fn job_delete(&self, id: &str) -> Result<bool, StoreError> {
        self.row_delete::<Job>(id.to_owned()).await
    }

    async fn job_get(&self, id: &str) -> Result<Option<Job>, StoreError> {
        self.row_get(id.to_owned()).await
    }

    async fn job_list(&self, after: Option<String>, limit: u32) -> Result<Vec<Job>, StoreError> {
        self.row_list(after, limit).await
    }

    async fn job_depth(&self) -> Result<JobDepth, StoreError> {
        self.read(|connection| {
            let depth = value(connection, include_str!("sql/job_depth.sql"), [], |row| {
                Ok(JobDepth { queued: count(row, 0)?, claimed: count(row, 1)? })
            })?;
            Ok(depth.ok_or_else(no_totals)?)
        })
        .await
    }
}

fn get(connection: &Connection, id: &str) -> Result<Option<Job>, Failure> {
    one(connection, Job::GET, [id])
}

/// Returns a new position at the end of the queue.
fn next_position(connection: &Connection) -> Result<i64, Failure> {
    let position = value(connection, include_str!("sql/job_next_position.sql"), [], |row| Ok(row.get(0)?))?;
    Ok(position.ok_or_else(no_totals)?)
}

/// Stores the state of a job. A job that waits moves to the end of the queue.
fn write(connection: &Connection, job: &Job) -> Result<(), Failure> {
    let claim = job.claim.as_ref();
    let params = named_params! {
        ":id": job.id,
        ":state": job.state.as_str(),
        ":claimed_by": claim.map(|claim| claim.claimed_by.as_str()),
        ":claim_expires_at": claim.map(|claim| claim.expires_at.as_millis()),
        ":claim_token": claim.map(|claim| claim.token.cast_signed()),
        ":attempts": job.attempts,
    };
    change(connection, include_str!("sql/job_update.sql"), params)?;
    let position = if job.state == JobState::Queued { Some(next_position(connection)?) } else { None };
    let params = (job.id.as_str(), job.last_error.as_deref(), position);
    change(connection, include_str!("sql/job_queue_update.sql"), params)?;
    Ok(())
}

/// Stores `job`, if there is one, and returns whether there is.
fn write_if_some(connection: &Connection, job: Option<Job>) -> Result<bool, Failure> {
    let Some(job) = job else { return Ok(false) };
    write(connection, &job)?;
    Ok(true)
}

fn no_totals() -> StoreError {
    StoreError::corrupt("job_totals", "1", "the only row is missing")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_match_the_statements() {
        let claim = [CLAIMED_BY, CLAIM_EXPIRES_AT, CLAIM_TOKEN];
        let columns =
            [&[ID, KIND, PARAMS, STATE][..], &claim, &[ATTEMPTS, PROGRESS, MAX_ATTEMPTS, LAST_ERROR]];
        for sql in
            [Job::GET, Job::LIST, include_str!("sql/job_first.sql"), include_str!("sql/job_expired.sql")]
        {
            assert_columns(sql, &columns.concat());
        }
    }
}
