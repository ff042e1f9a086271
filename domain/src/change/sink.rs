//! The delivery state of a sink.

use crate::Timestamp;
use crate::word::words;

words! {
    /// The delivery state of a sink. The events of a sink that is not active wait.
    pub enum SinkState("sink state", "states") {
        /// Events are delivered to it.
        Active = "active",
        /// A person paused it.
        Paused = "paused",
        /// Its receiver wants no more events. A person may resume it.
        Disabled = "disabled",
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
