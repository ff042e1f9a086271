//! The observer of requests.

use std::time::Duration;

/// A completed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObservedRequest<'a> {
    /// The template of its route, or `unmatched` if it matches none. Never the path, which clients choose.
    pub route: &'a str,
    /// The method of its route, or `other` if it matches none.
    pub method: &'a str,
    /// The status of the response; 499 if the client disconnected before it.
    pub status: u16,
    /// The time until the response. For a response that continues, such as events, the time until it began.
    pub duration: Duration,
}

/// Receives a notification of every request.
pub trait RequestObserver: Send + Sync + 'static {
    /// Records that a request began. Every request that begins also ends.
    fn request_began(&self);

    /// Records that a request ended.
    fn request_ended(&self, request: ObservedRequest<'_>);
}

/// An observer that records nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NobodyObserves;

impl RequestObserver for NobodyObserves {
    fn request_began(&self) {}
    fn request_ended(&self, _: ObservedRequest<'_>) {}
}
