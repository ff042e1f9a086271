//! Receivers of change events.

use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::IndexUid;
use serde_json::Value;

/// Events of one index, in the order of their numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct SinkBatch {
    /// The index.
    pub index: IndexUid,
    /// `CloudEvents` 1.0 as JSON objects, each with an `id` that is the same at every delivery. Never empty.
    pub events: Vec<Value>,
}

/// The reason why a batch was not confirmed. The receiver may have it all the same: it is delivered again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// The receiver did not take it now.
    #[error("{reason}")]
    Unavailable {
        /// The fault, for people.
        reason: String,
        /// The time for which the receiver wants no requests.
        retry_after: Option<Duration>,
    },
    /// The receiver wants no more events, ever (a webhook's 410).
    #[error("{reason}")]
    Gone {
        /// The fault, for people.
        reason: String,
    },
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
