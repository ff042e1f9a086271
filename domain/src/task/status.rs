//! Where a task stands. A status only moves forward.

use std::str::FromStr;

use crate::wording;
use serde::{Deserialize, Serialize};

/// The five statuses of Meilisearch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TaskStatus {
    /// Accepted, not begun.
    Enqueued,
    /// Begun on at least one node.
    Processing,
    /// Done on every node that accepted it.
    Succeeded,
    /// Failed on at least one node that accepted it.
    Failed,
    /// Canceled before it was done.
    Canceled,
}

impl TaskStatus {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Enqueued, Self::Processing, Self::Succeeded, Self::Failed, Self::Canceled];

    /// The word in task objects.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enqueued => "enqueued",
            Self::Processing => "processing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// Whether the task is over.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Canceled)
    }
}

/// A word that is no status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a valid task status. Available statuses are {words}.",
    words = wording::list(TaskStatus::ALL.iter().map(|status| status.as_str()))
)]
pub struct UnknownStatus(String);

impl FromStr for TaskStatus {
    type Err = UnknownStatus;
    fn from_str(word: &str) -> Result<Self, UnknownStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str().eq_ignore_ascii_case(word))
            .ok_or_else(|| UnknownStatus(word.chars().take(80).collect()))
    }
}
