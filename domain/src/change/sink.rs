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

/// One row of `cdc_sinks`. A sink without a row is active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkRow {
    /// The sink.
    pub sink_name: String,
    /// Its delivery state.
    pub state: SinkState,
    /// The reason for the state, in the words of its receiver.
    pub reason: Option<String>,
    /// The instant of the last change of state.
    pub changed_at: Timestamp,
}
