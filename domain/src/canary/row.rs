//! The rows of `canaries` and `canary_runs`.

use serde_json::Value;

use crate::row::{InvalidRow, check_json};
use crate::word::words;
use crate::{IndexUid, Timestamp};

/// One row of `canaries`.
#[derive(Debug, Clone, PartialEq)]
pub struct Canary {
    /// Its id.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// The index or alias it searches.
    pub index_uid: IndexUid,
    /// The seconds between two runs.
    pub interval_s: u32,
    /// The body of the search.
    pub query: Value,
    /// The assertions about the response.
    pub assertions: Value,
    /// True if it runs on schedule.
    pub enabled: bool,
    /// The instant of its creation.
    pub created_at: Timestamp,
    /// The number of changes plus one.
    pub version: u64,
}

impl Canary {
    /// Refuses a canary whose JSON nests too deeply to be read back.
    pub fn check(&self) -> Result<(), InvalidRow> {
        check_json("the query of a canary", &self.query)?;
        check_json("the assertions of a canary", &self.assertions)
    }
}

words! {
    /// The result of a run.
    pub enum CanaryStatus("canary status", "statuses") {
        /// Every assertion held.
        Pass = "pass",
        /// Some assertion did not hold.
        Fail = "fail",
        /// The search itself failed.
        Error = "error",
    }
}

/// One row of `canary_runs`.
#[derive(Debug, Clone, PartialEq)]
pub struct CanaryRun {
    /// The canary.
    pub canary_id: String,
    /// The instant at which it ran.
    pub ran_at: Timestamp,
    /// Its result.
    pub status: CanaryStatus,
    /// The time the search took, in milliseconds.
    pub latency_ms: u64,
    /// The assertions that did not hold, with the observed values.
    pub failed_assertions: Value,
}
