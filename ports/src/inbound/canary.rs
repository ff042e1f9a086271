//! Use cases of canaries: stored searches with assertions, run on a schedule.

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
    /// Its name for people.
    pub name: String,
    /// The index or alias it searches.
    pub index: IndexUid,
    /// Seconds between two runs.
    pub interval_seconds: u32,
    /// The body of the search.
    pub query: Value,
    /// The assertions about the response.
    pub assertions: Value,
    /// True if it runs on schedule.
    pub enabled: bool,
    /// True if it belongs to the configuration, so that it can only be read and run here.
    pub configured: bool,
    /// The instant of its creation.
    pub created_at: Timestamp,
    /// The number of changes plus one.
    pub version: u64,
}

/// A page of canaries.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CanaryList {
    /// The page, in the byte order of the ids.
    pub results: Vec<CanaryView>,
    /// The limit that was applied.
    pub limit: u32,
    /// The id after which the next page begins. `None` if this is the last page.
    pub next: Option<String>,
}

/// One run of a canary.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CanaryRunView {
    /// The instant at which it began.
    pub ran_at: Timestamp,
    /// Its result.
    pub status: CanaryStatus,
    /// The time the search took, in milliseconds.
    pub latency_ms: u64,
    /// The assertions that did not hold, with the evidence; `[{error}]` if the search itself failed.
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

/// The number of runs of each result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CanaryCounts {
    /// Runs in which every assertion held.
    pub pass: u64,
    /// Runs in which some assertion did not hold.
    pub fail: u64,
    /// Runs in which the search itself failed.
    pub error: u64,
}

/// The condition of one canary.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CanarySummary {
    /// Its id.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// The index or alias it searches.
    pub index: IndexUid,
    /// True if it runs on schedule.
    pub enabled: bool,
    /// True if it belongs to the configuration.
    pub configured: bool,
    /// The result of the last run. `None` before the first.
    pub last_status: Option<CanaryStatus>,
    /// The last run.
    pub last_run: Option<CanaryRunView>,
    /// The number of the last runs in a row that did not pass.
    pub consecutive_failures: u64,
    /// The counts of the runs that are kept.
    pub counts: CanaryCounts,
    /// The instant of the next run. `None` if it is not enabled.
    pub next_run_at: Option<Timestamp>,
    /// True if it is enabled and late by more than its interval.
    pub overdue: bool,
}

/// The number of runs since this process started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CanaryTotals {
    /// All runs.
    pub runs: u64,
    /// Runs in which some assertion did not hold.
    pub failures: u64,
    /// Runs in which the search itself failed.
    pub errors: u64,
}

/// The condition of all canaries.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CanaryOverview {
    /// Every canary, in the byte order of the ids.
    pub results: Vec<CanarySummary>,
    /// The number of runs since this process started.
    pub totals: CanaryTotals,
}

/// The version that a canary must have to be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CanaryPrecondition {
    /// Any version, or no canary at all.
    None,
    /// Any version.
    Exists,
    /// This version.
    Version(u64),
}

/// A canary that replaced another one, or was created.
#[derive(Debug, Clone, PartialEq)]
pub struct CanaryReplaced {
    /// The canary as it is stored now.
    pub canary: CanaryView,
    /// True if there was none before.
    pub created: bool,
}

/// A capture that has begun.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaptureStarted {
    /// The index whose searches are captured, as clients name it.
    pub index: IndexUid,
    /// The number of different searches that become drafts.
    pub count: u32,
    /// The prefix of the drafts' names.
    pub name: Option<String>,
    /// The instant at which the capture ends even if there were fewer searches.
    pub until: Timestamp,
    /// A sentence for people about the capture.
    pub message: String,
}

/// Canaries.
///
/// Any change of a canary that belongs to the configuration is refused with `miroir_canary_configured`. An id
/// that no canary has is `miroir_canary_not_found`.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait CanaryApi: Send + Sync + 'static {
    /// Stores a new canary under the id that the definition names, else under a unique one. An id that exists
    /// already is `miroir_canary_exists`.
    async fn canary_create(&self, definition: Definition) -> Result<CanaryView, ApiError>;

    /// Returns up to `limit` canaries after the id `after`.
    async fn canary_list(&self, after: Option<String>, limit: u32) -> Result<CanaryList, ApiError>;

    /// Returns one canary.
    async fn canary_get(&self, id: CanaryId) -> Result<CanaryView, ApiError>;

    /// Replaces the canary `id` by `definition` and keeps its runs. Without a precondition the canary is
    /// created if it does not exist. A precondition that does not hold at the moment of the change is
    /// `miroir_canary_version_mismatch`.
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

    /// Returns up to `limit` runs of a canary, newest first.
    async fn canary_runs(&self, id: CanaryId, limit: u32) -> Result<CanaryRunList, ApiError>;

    /// Returns the condition of every canary.
    async fn canary_status(&self) -> Result<CanaryOverview, ApiError>;

    /// Starts to make drafts of the next different searches that clients send to an index, and returns at
    /// once. An earlier capture of the same index ends.
    async fn canary_capture(&self, request: CaptureRequest) -> Result<CaptureStarted, ApiError>;
}
