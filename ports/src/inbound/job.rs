//! Jobs: long work in pieces, looked at and called off.

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::job::{Job, JobClaim};
use serde::Serialize;
use serde_json::Value;

use super::ApiError;

/// Who works on a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobClaimView {
    /// The instance.
    pub claimed_by: String,
    /// From this instant on others may claim the job.
    pub expires_at: Timestamp,
    /// Grows with every claim of any job.
    pub token: u64,
}

/// A job as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobView {
    /// Its name.
    pub id: String,
    /// What kind of work it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// `queued`, `claimed`, `succeeded`, `failed` or `canceled`.
    pub state: &'static str,
    /// Who works on it; none unless somebody does.
    pub claim: Option<JobClaimView>,
    /// How often it was claimed.
    pub attempts: u32,
    /// How often it may be.
    pub max_attempts: u32,
    /// How far the work has come, in the worker's own terms.
    pub progress: Option<Value>,
    /// Why the last attempt ended without success.
    pub last_error: Option<String>,
    /// What the worker needs to know.
    pub params: Value,
}

impl From<JobClaim> for JobClaimView {
    fn from(claim: JobClaim) -> Self {
        Self { claimed_by: claim.claimed_by, expires_at: claim.expires_at, token: claim.token }
    }
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        Self {
            id: job.id,
            kind: job.kind,
            state: job.state.as_str(),
            claim: job.claim.map(JobClaimView::from),
            attempts: job.attempts,
            max_attempts: job.max_attempts,
            progress: job.progress,
            last_error: job.last_error,
            params: job.params,
        }
    }
}

/// A page of jobs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobList {
    /// The page, in the byte order of the ids.
    pub results: Vec<JobView>,
    /// The limit that was applied.
    pub limit: u32,
    /// The id to ask for the next page after; none when this is the last.
    pub next: Option<String>,
}

/// Jobs. An id that no job has is `miroir_job_not_found`.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait JobApi: Send + Sync + 'static {
    /// Up to `limit` jobs after the id `after`.
    async fn job_list(&self, after: Option<String>, limit: u32) -> Result<JobList, ApiError>;

    /// One job.
    async fn job_get(&self, id: &str) -> Result<JobView, ApiError>;

    /// Calls a job off, whoever works on it, and answers with what it is then. One that was called off before stays so; one
    /// that succeeded or failed is refused with `miroir_job_finished`.
    async fn job_cancel(&self, id: &str) -> Result<JobView, ApiError>;
}
