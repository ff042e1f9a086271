//! Table 6, `jobs`.

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::job::{Job, JobEnd, NewJob};
use serde_json::Value;

use super::conditional::Create;
use super::error::StoreError;

/// Numbers of jobs that wait and that are worked on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobDepth {
    /// Jobs in the state `queued`.
    pub queued: u64,
    /// Jobs in the state `claimed`, also those whose claims have expired.
    pub claimed: u64,
}

/// The queue of long work.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait JobTable: Send + Sync + 'static {
    /// Queues a job.
    ///
    /// - **JOB-1** If the id is taken, by a job in any state, it MUST return [`Create::Exists`] and change
    ///   nothing. The row MUST equal [`NewJob::into_job`]. A `max_attempts` of 0 is `InvalidInput`.
    async fn job_enqueue(&self, job: &NewJob) -> Result<Create, StoreError>;

    /// Claims the job that waited longest, for `claimed_by` until `expires_at`, and returns its row. Returns
    /// `None` if no job waits.
    ///
    /// - **JOB-2** Of any number of concurrent callers, exactly one MUST get a job.
    /// - **JOB-3** A claim with `expires_at <= now` MUST end as [`Job::returned`] says before a job is
    ///   chosen: the job is queued behind those that wait, or fails if it has used up its attempts.
    /// - **JOB-4** `attempts` MUST be one more than before, and the token greater than every token given
    ///   before.
    /// - **JOB-5** Jobs MUST be claimed in the order in which they last entered the queue.
    /// - **JOB-6** An `expires_at` that is not after `now` is `InvalidInput`.
    async fn job_claim(
        &self,
        claimed_by: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Job>, StoreError>;

    /// Extends a claim to `expires_at` and records the progress of the work, if it is given. Returns false if
    /// the claim does not hold.
    ///
    /// - **JOB-7** Unless the job is claimed with `token` and the claim has not expired at `now`
    ///   ([`Job::is_claimed_with`]), it MUST change nothing.
    async fn job_heartbeat(
        &self,
        id: &str,
        token: u64,
        progress: Option<Value>,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Ends the work on a claimed job as [`Job::ended`] says. Returns false if the claim does not hold, as in
    /// **JOB-7**.
    async fn job_finish(&self, id: &str, token: u64, end: JobEnd, now: Timestamp)
    -> Result<bool, StoreError>;

    /// Cancels a job. Returns false if there is none or it is finished.
    ///
    /// - **JOB-8** A claim of it MUST no longer hold.
    async fn job_cancel(&self, id: &str) -> Result<bool, StoreError>;

    /// Removes a finished job. Returns false if there is none or it is not finished.
    async fn job_delete(&self, id: &str) -> Result<bool, StoreError>;

    /// Returns the job, if there is one.
    async fn job_get(&self, id: &str) -> Result<Option<Job>, StoreError>;

    /// Returns up to `limit` jobs after the id `after`.
    ///
    /// - **JOB-9** They MUST be in the byte order of their ids, each once.
    async fn job_list(&self, after: Option<String>, limit: u32) -> Result<Vec<Job>, StoreError>;

    /// Returns the numbers of jobs that wait and that are worked on.
    ///
    /// - **JOB-10** The cost MUST NOT depend on the number of jobs.
    async fn job_depth(&self) -> Result<JobDepth, StoreError>;
}
