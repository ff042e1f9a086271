//! Where change events go.

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

/// Why a batch was not confirmed. What became of it is not known: it is delivered again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// The receiver did not take it now.
    #[error("{reason}")]
    Unavailable {
        /// What happened, for people.
        reason: String,
        /// How long the receiver asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The receiver wants no more events, ever (a webhook's 410).
    #[error("{reason}")]
    Gone {
        /// What happened, for people.
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
    /// - **SINK-2** It MUST end by itself, within the time the sink was configured with.
    /// - **SINK-3** Delivering a batch again MUST be harmless but for the receiver seeing an event twice, under the same id.
    async fn sink_deliver(&self, batch: SinkBatch) -> Result<(), SinkError>;
}
