//! What can go wrong in a store.

use std::fmt;

/// Whether a failed call may have changed the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Certainly not: the call may be repeated as it is.
    NotApplied,
    /// Perhaps: read before repeating.
    Unknown,
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotApplied => "nothing was changed",
            Self::Unknown => "the change may or may not have happened",
        })
    }
}

/// The one error of every store port.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The backend cannot be reached, is full, is shut down, or did not answer in time.
    #[error("the store is unavailable ({outcome}): {reason}")]
    Unavailable {
        /// Whether the call may have been applied.
        outcome: Outcome,
        /// What happened and, where there is one, what to do.
        reason: String,
    },
    /// A row that cannot be decoded.
    #[error("table `{table}`, row `{key}` is corrupt: {reason}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The row's key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The store was written by a newer Miroir. Nothing was touched.
    #[error(
        "the store has schema version {found}, but this Miroir knows versions up to {supported}: upgrade Miroir"
    )]
    SchemaAhead {
        /// The version of the store.
        found: u32,
        /// The newest version this binary knows.
        supported: u32,
    },
    /// An argument the store cannot take.
    #[error("invalid input for the store: {0}")]
    InvalidInput(String),
}

impl StoreError {
    /// Whether the call may be repeated as it is.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Unavailable { outcome: Outcome::NotApplied, .. })
    }
}
