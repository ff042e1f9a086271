//! Use cases of change data capture: the feed for readers, and the sinks for delivery.

use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::change::{FeedPosition, Rewind, SinkState};
use miroir_domain::{IndexUid, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::ApiError;

/// A reader's request for changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangesQuery {
    /// The index.
    pub index: IndexUid,
    /// The position up to which the reader has everything. `None` begins with the oldest change that is held.
    pub since: Option<FeedPosition>,
    /// The maximum number of events; at least 1.
    pub limit: u32,
    /// The time to wait for an event if there is none. The service has a limit of its own.
    pub wait: Duration,
}

/// A page of the feed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangesPage {
    /// `CloudEvents`, in the order of their numbers.
    pub results: Vec<Value>,
    /// The epoch of the task store.
    pub epoch: u64,
    /// The number of the `since` of the next page.
    pub next: u64,
    /// The greatest number so far.
    pub last: u64,
}

/// The feed of changes.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ChangeFeed: Send + Sync + 'static {
    /// Returns the changes of an index after a number, as soon as there is one.
    ///
    /// - **FEED-1** Numbers MUST grow by one from `since` on. A reader whose next event is no longer held is
    /// refused with `miroir_changes_trimmed`, a reader whose position is after the last event, or of another
    ///   epoch, with `miroir_invalid_change_position`.
    async fn changes(&self, query: ChangesQuery) -> Result<ChangesPage, ApiError>;
}

/// The position of a sink in the changes of an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SinkPosition {
    /// The index.
    pub index: IndexUid,
    /// The number up to which the sink has confirmed. `None` for the feed, whose readers keep their own
    /// positions.
    pub confirmed: Option<u64>,
    /// The greatest number so far.
    pub last: u64,
    /// The greatest number that was dropped for lack of space, or 0.
    pub trimmed_to: u64,
}

/// A sink and its condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SinkView {
    /// Its name.
    pub name: String,
    /// `webhook`, `nats` or `internal`.
    pub kind: String,
    /// Its delivery state.
    pub state: SinkState,
    /// The reason of the state, if the receiver wants no more events.
    pub reason: Option<String>,
    /// The instant of the last change of state, if there was one.
    pub changed_at: Option<Timestamp>,
    /// The number of events that wait for it.
    pub lag: u64,
    /// The number of events that are held for it, including delivered ones that are kept for rewinding.
    pub backlog_events: u64,
    /// The size of these events, in bytes.
    pub backlog_bytes: u64,
    /// The number of events that were ever dropped before it confirmed them.
    pub dropped: u64,
    /// The number of events that were suppressed because of their origin, since this process started.
    pub suppressed: u64,
    /// The number of events it confirmed, since this process started.
    pub published: u64,
    /// The number of deliveries that failed, since this process started.
    pub failures: u64,
    /// The reason why the last delivery failed. `None` if it succeeded.
    pub last_error: Option<String>,
    /// Its position in the changes of each index.
    pub indexes: Vec<SinkPosition>,
}

/// The sinks.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait SinkApi: Send + Sync + 'static {
    /// Returns every sink, in the order of the configuration.
    async fn sink_list(&self) -> Result<Vec<SinkView>, ApiError>;

    /// Stops the delivery to a sink after the present batch. Its events wait, within its budget.
    async fn sink_pause(&self, name: &str) -> Result<SinkView, ApiError>;

    /// Resumes the delivery to a sink, also to one that wanted no more events.
    async fn sink_resume(&self, name: &str) -> Result<SinkView, ApiError>;

    /// Delivers events again, as far as they are held.
    async fn sink_rewind(&self, name: &str, rewind: Rewind) -> Result<SinkView, ApiError>;
}
