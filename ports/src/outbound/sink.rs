//! Receivers of change events.

use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::IndexUid;
use serde_json::Value;

use crate::Source;

/// Events of one index, in the order of their numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct SinkBatch {
    /// The index.
    pub index: IndexUid,
    /// `CloudEvents` 1.0 as JSON objects, each with an `id` that is the same at every delivery. Never empty.
    pub events: Vec<Value>,
}

/// A batch that was not confirmed. It may have been received, so it is delivered again.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SinkError {
    /// The receiver did not take it now.
    #[error("{reason}")]
    Unavailable {
        /// A description for people.
        reason: String,
        /// The pause that the receiver requests.
        retry_after: Option<Duration>,
        /// The error below, if there is one.
        source: Option<Source>,
    },
    /// The receiver wants no more events, ever (a webhook's 410).
    #[error("{reason}")]
    Gone {
        /// A description for people.
        reason: String,
    },
}

impl SinkError {
    /// Creates [`SinkError::Unavailable`] without a requested pause.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into(), retry_after: None, source: None }
    }

    /// Creates [`SinkError::Unavailable`] caused by another error, without a requested pause.
    pub fn unavailable_because(
        reason: impl Into<String>,
        cause: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Unavailable { reason: reason.into(), retry_after: None, source: Some(Source::new(cause)) }
    }
}

/// A receiver of change events.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Sink: Send + Sync + 'static {
    /// Delivers a batch and waits until the receiver has confirmed all of it.
    ///
    /// - **SINK-1** `Ok` MUST mean that the receiver confirmed every event of the batch.
    /// - **SINK-2** It MUST return by itself, within the time the sink was configured with.
    /// - **SINK-3** A repeated delivery MUST be harmless, except that the receiver sees an event twice, under
    ///   the same id.
    async fn sink_deliver(&self, batch: SinkBatch) -> Result<(), SinkError>;
}
