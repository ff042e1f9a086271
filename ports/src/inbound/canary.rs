//! Canaries: stored searches with assertions, run on a schedule.

use async_trait::async_trait;
use miroir_domain::canary::{CanaryId, CanaryStatus, CaptureRequest, Definition};
use miroir_domain::{IndexUid, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::ApiError;

/// A canary as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CanaryView {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The index or alias it searches.
    pub index: IndexUid,
    /// Seconds between two runs.
    pub interval_seconds: u32,
    /// The body of the search.
    pub query: Value,
    /// What must hold of the answer.
    pub assertions: Value,
    /// Whether it is run.
    pub enabled: bool,
    /// Whether it belongs to the configuration, so that it can only be read and run here.
    pub configured: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// Counts changes; a new canary has 1.
    pub version: u64,
}

/// A page of canaries.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CanaryList {
    /// The page, in the byte order of the ids.
    pub results: Vec<CanaryView>,
    /// The limit that was applied.
    pub limit: u32,
    /// The id to ask for the next page after; none when this is the last.
    pub next: Option<String>,
}

/// One run of a canary.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CanaryRunView {
    /// When it began.
    pub ran_at: Timestamp,
    /// What it came to.
    pub status: CanaryStatus,
    /// How long the search took, in milliseconds.
    pub latency_ms: u64,
    /// What did not hold, with the evidence; `[{error}]` when the search itself failed.
    pub failed_assertions: Value,
}

/// The runs of a canary that are kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CanaryRunList {
    /// Newest first.
    pub results: Vec<CanaryRunView>,
    /// The limit that was applied.
    pub limit: u32,
}

/// How many runs came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CanaryCounts {
    /// Every assertion held.
    pub pass: u64,
    /// Some assertion did not hold.
    pub fail: u64,
    /// The search itself failed.
    pub error: u64,
}

/// How one canary fares.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CanaryStanding {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The index or alias it searches.
    pub index: IndexUid,
    /// Whether it is run.
    pub enabled: bool,
    /// Whether it belongs to the configuration.
    pub configured: bool,
    /// What the last run came to; none before the first.
    pub last_status: Option<CanaryStatus>,
    /// The last run.
    pub last_run: Option<CanaryRunView>,
    /// The last runs in a row that were no pass.
    pub consecutive_failures: u64,
    /// Of the runs that are kept.
    pub counts: CanaryCounts,
    /// When it is due; none when it is not enabled.
    pub next_run_at: Option<Timestamp>,
    /// Whether it is enabled and late by more than its interval.
    pub overdue: bool,
}

/// Runs since this process started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CanaryTotals {
    /// All of them.
    pub runs: u64,
    /// Those in which some assertion did not hold.
    pub failures: u64,
    /// Those in which the search itself failed.
    pub errors: u64,
}

/// How all canaries fare.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CanaryOverview {
    /// Every canary, in the byte order of the ids.
    pub results: Vec<CanaryStanding>,
    /// Runs since this process started.
    pub totals: CanaryTotals,
}

/// What version a canary must have for it to be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CanaryPrecondition {
    /// Any, or none at all.
    None,
    /// Any.
    Exists,
    /// This one.
    Version(u64),
}

/// A canary that was put where it is.
#[derive(Debug, Clone, PartialEq)]
pub struct CanaryReplaced {
    /// As it is stored now.
    pub canary: CanaryView,
    /// Whether there was none before.
    pub created: bool,
}

/// A capture that has begun.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaptureStarted {
    /// The index whose searches are captured, as clients name it.
    pub index: IndexUid,
    /// How many different searches become drafts.
    pub count: u32,
    /// What the names of the drafts begin with.
    pub name: Option<String>,
    /// When the capture ends even if there were fewer searches.
    pub until: Timestamp,
    /// What will happen, for people.
    pub message: String,
}

/// Canaries.
///
/// A canary that belongs to the configuration is refused every change with `miroir_canary_configured`; an id that no
/// canary has is `miroir_canary_not_found`.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait CanaryApi: Send + Sync + 'static {
    /// Stores a new canary under the id the definition names, else under one that nobody has.
    /// A taken id is `miroir_canary_exists`.
    async fn canary_create(&self, definition: Definition) -> Result<CanaryView, ApiError>;

    /// Up to `limit` canaries after the id `after`.
    async fn canary_list(&self, after: Option<String>, limit: u32) -> Result<CanaryList, ApiError>;

    /// One canary.
    async fn canary_get(&self, id: CanaryId) -> Result<CanaryView, ApiError>;

    /// Puts `definition` in the place of the canary `id`, whose runs stay; without a precondition also where there is none.
    /// A precondition that does not hold at the moment of the change is `miroir_canary_version_mismatch`.
    async fn canary_replace(
        &self,
        id: CanaryId,
        definition: Definition,
        precondition: CanaryPrecondition,
    ) -> Result<CanaryReplaced, ApiError>;

    /// Deletes a canary with its runs.
    async fn canary_delete(&self, id: CanaryId) -> Result<(), ApiError>;

    /// Runs a canary now, enabled or not, and records the run like any other.
    async fn canary_run(&self, id: CanaryId) -> Result<CanaryRunView, ApiError>;

    /// Up to `limit` runs of a canary, newest first.
    async fn canary_runs(&self, id: CanaryId, limit: u32) -> Result<CanaryRunList, ApiError>;

    /// How every canary fares.
    async fn canary_status(&self) -> Result<CanaryOverview, ApiError>;

    /// Makes drafts of the next different searches that clients send to an index. Answers at once; a capture of the same
    /// index that was going on ends.
    async fn canary_capture(&self, request: CaptureRequest) -> Result<CaptureStarted, ApiError>;
}
