//! The rows of `canaries` and `canary_runs`.

use serde::Serialize;
use serde_json::Value;

use crate::row::{InvalidRow, check_json};
use crate::{IndexUid, Timestamp};

/// One row of `canaries`.
#[derive(Debug, Clone, PartialEq)]
pub struct Canary {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The index or alias it searches.
    pub index_uid: IndexUid,
    /// Seconds between two runs.
    pub interval_s: u32,
    /// The body of the search.
    pub query: Value,
    /// What must hold of the answer.
    pub assertions: Value,
    /// Whether it is run.
    pub enabled: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// Counts changes; a new row has 1.
    pub version: u64,
}

impl Canary {
    /// Refuses a canary whose JSON nests too deeply to be read back.
    pub fn check(&self) -> Result<(), InvalidRow> {
        check_json("the query of a canary", &self.query)?;
        check_json("the assertions of a canary", &self.assertions)
    }
}

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CanaryStatus {
    /// Every assertion held.
    Pass,
    /// Some assertion did not hold.
    Fail,
    /// The search itself failed.
    Error,
}

impl CanaryStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Pass, Self::Fail, Self::Error];

    /// The word a store and an answer use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Error => "error",
        }
    }
}

/// A word that names no [`CanaryStatus`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no status of a canary run")]
pub struct InvalidCanaryStatus(String);

impl std::str::FromStr for CanaryStatus {
    type Err = InvalidCanaryStatus;
    fn from_str(word: &str) -> Result<Self, InvalidCanaryStatus> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == word);
        found.ok_or_else(|| InvalidCanaryStatus(word.chars().take(80).collect()))
    }
}

/// One row of `canary_runs`.
#[derive(Debug, Clone, PartialEq)]
pub struct CanaryRun {
    /// The canary.
    pub canary_id: String,
    /// When it ran.
    pub ran_at: Timestamp,
    /// What it came to.
    pub status: CanaryStatus,
    /// How long the search took, in milliseconds.
    pub latency_ms: u64,
    /// The assertions that did not hold, with what was observed.
    pub failed_assertions: Value,
}
