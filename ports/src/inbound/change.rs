//! Change data capture: the feed that readers follow, and the sinks that are delivered to.

use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::change::{Rewind, SinkState};
use miroir_domain::{IndexUid, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::ApiError;

/// What a reader of the feed asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangesQuery {
    /// The index.
    pub index: IndexUid,
    /// The number up to which the reader knows everything; none to begin with the oldest that is held.
    pub since: Option<u64>,
    /// Events at most; at least 1.
    pub limit: u32,
    /// How long to wait for an event where there is none; no longer than the service waits at most.
    pub wait: Duration,
}

/// A page of the feed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangesPage {
    /// `CloudEvents`, in the order of their numbers.
    pub results: Vec<Value>,
    /// What `since` is for the next page.
    pub next: u64,
    /// The greatest number given so far.
    pub last: u64,
}

/// The feed of changes.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ChangeFeed: Send + Sync + 'static {
    /// The changes of an index after a number, as soon as there is one.
    ///
    /// - **FEED-1** Numbers MUST grow by one from `since` on: a reader whose next event is gone is refused with
    ///   `miroir_changes_trimmed`, one that says it knows what has not been with `miroir_invalid_change_position`.
    async fn changes(&self, query: ChangesQuery) -> Result<ChangesPage, ApiError>;
}

/// How far a sink is with an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SinkPosition {
    /// The index.
    pub index: IndexUid,
    /// The number up to which the sink has confirmed; none for the feed, whose readers keep their places themselves.
    pub confirmed: Option<u64>,
    /// The greatest number given so far.
    pub last: u64,
    /// The greatest number that was dropped for lack of room, 0 when none was.
    pub trimmed_to: u64,
}

/// A sink and how it is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SinkView {
    /// Its name.
    pub name: String,
    /// `webhook`, `nats` or `internal`.
    pub kind: String,
    /// Whether it is delivered to.
    pub state: SinkState,
    /// Why it is not, where its receiver wants no more.
    pub reason: Option<String>,
    /// When its state last changed; none if it never did.
    pub changed_at: Option<Timestamp>,
    /// Events that wait for it.
    pub lag: u64,
    /// Events that are held for it, delivered ones that are kept for rewinding among them.
    pub backlog_events: u64,
    /// Their bytes.
    pub backlog_bytes: u64,
    /// Events that were dropped before it confirmed them, ever.
    pub dropped: u64,
    /// Events it was not sent because of their origin, since this process started.
    pub suppressed: u64,
    /// Events it confirmed, since this process started.
    pub published: u64,
    /// Deliveries that failed, since this process started.
    pub failures: u64,
    /// Why the last delivery failed; none when it did not.
    pub last_error: Option<String>,
    /// How far it is with each index.
    pub indexes: Vec<SinkPosition>,
}

/// The sinks.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait SinkApi: Send + Sync + 'static {
    /// Every sink, in the order of the configuration.
    async fn sink_list(&self) -> Result<Vec<SinkView>, ApiError>;

    /// Stops delivering to a sink; what is on its way is waited for. Its events wait, within its budget.
    async fn sink_pause(&self, name: &str) -> Result<SinkView, ApiError>;

    /// Delivers to a sink again, also to one that wanted no more.
    async fn sink_resume(&self, name: &str) -> Result<SinkView, ApiError>;

    /// Has events delivered again, as far as they are held.
    async fn sink_rewind(&self, name: &str, rewind: Rewind) -> Result<SinkView, ApiError>;
}
