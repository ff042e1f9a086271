//! Errors of the store.

use std::error::Error;
use std::fmt;

use crate::Source;

/// The effect of a failed call on the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Certainly none: the call may be repeated as it is.
    NotApplied,
    /// Not known: read before repeating the call.
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
///
/// `Display` does not repeat the source: log sites print it with [`error_chain`](fn@crate::error_chain).
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The backend cannot be reached, is full, is shut down, or did not respond in time.
    #[error("the store is unavailable ({outcome}): {reason}")]
    Unavailable {
        /// The effect of the call.
        outcome: Outcome,
        /// A sentence that says what happened and, if there is a remedy, what to do.
        reason: String,
        /// The error of the backend, if it raised one.
        #[source]
        source: Option<Source>,
    },
    /// A store that is not that of the cluster. Nothing was read or changed.
    #[error("{0}")]
    Foreign(String),
    /// A row that cannot be decoded.
    #[error("table `{table}`, row `{key}` is corrupt: {reason}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The row's key.
        key: String,
        /// A sentence that says what is wrong with the row.
        reason: String,
        /// The error of the backend or of the decoder, if one raised it.
        #[source]
        source: Option<Source>,
    },
    /// A store that was written by a newer Miroir. Nothing was touched.
    #[error(
        "the store has schema version {found}, but this Miroir knows versions up to {supported}: upgrade Miroir"
    )]
    SchemaAhead {
        /// The version of the store.
        found: u32,
        /// The newest version this binary knows.
        supported: u32,
    },
    /// An argument that the store cannot take.
    #[error("invalid input for the store: {0}")]
    InvalidInput(String),
    /// A conditional write that lost too many races: the row kept changing. Nothing was changed by it.
    #[error("too many writers change the same row: {0}")]
    Contended(String),
}

impl StoreError {
    /// Creates an [`StoreError::Unavailable`] for a call that certainly changed nothing.
    pub fn not_applied(reason: impl Into<String>) -> Self {
        Self::Unavailable { outcome: Outcome::NotApplied, reason: reason.into(), source: None }
    }

    /// Creates a [`StoreError::Corrupt`].
    pub fn corrupt(table: &'static str, key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Corrupt { table, key: key.into(), reason: reason.into(), source: None }
    }

    /// Sets the source. Errors that have none stay as they are.
    #[must_use]
    pub fn with_source(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        if let Self::Unavailable { source, .. } | Self::Corrupt { source, .. } = &mut self {
            *source = Some(Source::new(cause));
        }
        self
    }

    /// Returns whether the call may be repeated as it is.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Unavailable { outcome: Outcome::NotApplied, .. } | Self::Contended(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_that_changed_nothing_are_retryable() {
        assert!(StoreError::not_applied("x").retryable());
        assert!(StoreError::Contended("x".to_owned()).retryable());
        let unknown =
            StoreError::Unavailable { outcome: Outcome::Unknown, reason: "x".to_owned(), source: None };
        let corrupt = StoreError::corrupt("tasks", "1", "x");
        let ahead = StoreError::SchemaAhead { found: 2, supported: 1 };
        for error in [unknown, corrupt, ahead, StoreError::InvalidInput("x".to_owned())] {
            assert!(!error.retryable(), "{error}");
        }
    }

    #[test]
    fn source_is_kept_and_not_repeated() {
        for error in [StoreError::not_applied("x"), StoreError::corrupt("tasks", "1", "x")] {
            assert!(error.source().is_none());
            let error = error.with_source(fmt::Error);
            assert_eq!(error.source().map(ToString::to_string), Some(fmt::Error.to_string()));
            assert!(!error.to_string().contains(&fmt::Error.to_string()), "{error}");
        }
    }
}
