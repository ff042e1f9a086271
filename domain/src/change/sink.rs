//! Whether a sink is delivered to.

use serde::Serialize;

use crate::Timestamp;

/// Whether a sink is delivered to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SinkState {
    /// It is.
    Active,
    /// It is not, since a person said so. Its events wait.
    Paused,
    /// It is not, since its receiver wants no more. Its events wait until a person resumes it.
    Disabled,
}

impl SinkState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Active, Self::Paused, Self::Disabled];

    /// The word a store and an answer use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }
}

/// A word that names no [`SinkState`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no state of a sink")]
pub struct InvalidSinkState(String);

impl std::str::FromStr for SinkState {
    type Err = InvalidSinkState;
    fn from_str(word: &str) -> Result<Self, InvalidSinkState> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == word);
        found.ok_or_else(|| InvalidSinkState(word.chars().take(80).collect()))
    }
}

/// One row of `cdc_sinks`: what is remembered of a sink. One without a row is active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkRow {
    /// The sink.
    pub sink_name: String,
    /// Whether it is delivered to.
    pub state: SinkState,
    /// Why it is not, in the words of its receiver.
    pub reason: Option<String>,
    /// When that began.
    pub changed_at: Timestamp,
}
