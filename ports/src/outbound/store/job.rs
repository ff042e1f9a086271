//! Table 6, `jobs`.

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::job::{Job, JobEnd, NewJob};
use serde_json::Value;

use super::error::StoreError;
use super::write::Create;

/// How many jobs wait and how many are worked on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobDepth {
    /// Jobs in the state `queued`.
    pub queued: u64,
    /// Jobs in the state `claimed`, whether or not their claims have expired.
    pub claimed: u64,
}

/// The queue of long work.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait JobTable: Send + Sync + 'static {
    /// Queues a job.
    ///
    /// - **JOB-1** When the id is taken, by a job in whatever state, it MUST answer [`Create::Exists`] and change
    ///   nothing. The row MUST equal [`NewJob::into_job`]. A `max_attempts` of 0 is `InvalidInput`.
    async fn job_enqueue(&self, job: &NewJob) -> Result<Create, StoreError>;

    /// Claims the job that waited longest for `claimed_by` until `expires_at`, and answers with its row; none when no
    /// job waits.
    ///
    /// - **JOB-2** Of any number of callers at once, one MUST get a job.
    /// - **JOB-3** A claim with `expires_at <= now` MUST end as [`Job::returned`] says before a job is chosen: the job goes
    ///   behind those that wait, or fails when it has had its attempts.
    /// - **JOB-4** `attempts` MUST be one more than before, and the token greater than every token given before.
    /// - **JOB-5** Jobs MUST be claimed in the order in which they entered the queue, last entered counts.
    /// - **JOB-6** An `expires_at` that is not after `now` is `InvalidInput`.
    async fn job_claim(
        &self,
        claimed_by: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Job>, StoreError>;

    /// Extends a claim to `expires_at` and records how far the work has come, where that is given; false when the claim
    /// does not hold.
    ///
    /// - **JOB-7** It MUST change nothing unless the job is claimed with `token` and the claim has not expired at
    ///   `now` ([`Job::is_claimed_with`]).
    async fn job_heartbeat(
        &self,
        id: &str,
        token: u64,
        progress: Option<Value>,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Ends the work on a claimed job as [`Job::ended`] says; false when the claim does not hold, as in **JOB-7**.
    async fn job_finish(&self, id: &str, token: u64, end: JobEnd, now: Timestamp)
    -> Result<bool, StoreError>;

    /// Calls a job off; false when there is none or it is finished.
    ///
    /// - **JOB-8** A claim of it MUST hold no longer.
    async fn job_cancel(&self, id: &str) -> Result<bool, StoreError>;

    /// Removes a finished job; false when there is none or it is not finished.
    async fn job_delete(&self, id: &str) -> Result<bool, StoreError>;

    /// The job, or none.
    async fn job_get(&self, id: &str) -> Result<Option<Job>, StoreError>;

    /// Up to `limit` jobs, starting after `after`.
    ///
    /// - **JOB-9** They MUST come in the byte order of their ids, each once.
    async fn job_list(&self, after: Option<String>, limit: u32) -> Result<Vec<Job>, StoreError>;

    /// How many jobs wait and are worked on.
    ///
    /// - **JOB-10** The cost MUST NOT depend on the number of jobs.
    async fn job_depth(&self) -> Result<JobDepth, StoreError>;
}
