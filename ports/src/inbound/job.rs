//! Use cases of jobs: long work in pieces.

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::job::{Job, JobClaim};
use serde::Serialize;
use serde_json::Value;

use super::ApiError;

/// The claim of an instance on a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobClaimView {
    /// The instance.
    pub claimed_by: String,
    /// The instant from which other instances may claim the job.
    pub expires_at: Timestamp,
    /// The token of the claim. It grows with every claim of any job.
    pub token: u64,
}

/// A job as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobView {
    /// Its id.
    pub id: String,
    /// The kind of work.
    #[serde(rename = "type")]
    pub kind: String,
    /// `queued`, `claimed`, `succeeded`, `failed` or `canceled`.
    pub state: &'static str,
    /// The claim, if an instance works on it.
    pub claim: Option<JobClaimView>,
    /// The number of claims so far.
    pub attempts: u32,
    /// The maximum number of claims.
    pub max_attempts: u32,
    /// The progress of the work, in the worker's own terms.
    pub progress: Option<Value>,
    /// The reason why the last attempt did not succeed.
    pub last_error: Option<String>,
    /// The parameters of the work.
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
    /// The id after which the next page begins. `None` if this is the last page.
    pub next: Option<String>,
}

/// Jobs. An id that no job has is `miroir_job_not_found`.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait JobApi: Send + Sync + 'static {
    /// Returns up to `limit` jobs after the id `after`.
    async fn job_list(&self, after: Option<String>, limit: u32) -> Result<JobList, ApiError>;

    /// Returns one job.
    async fn job_get(&self, id: &str) -> Result<JobView, ApiError>;

    /// Cancels a job, claimed or not, and returns it. A job that was canceled before stays so; one that
    /// succeeded or failed is refused with `miroir_job_finished`.
    async fn job_cancel(&self, id: &str) -> Result<JobView, ApiError>;
}
