//! Who counts requests.

use std::time::Duration;

/// A request that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObservedRequest<'a> {
    /// The template of its route; `unmatched` for one that no route is for. Never the path, which clients choose.
    pub route: &'a str,
    /// The method of its route, and `other` for one that no route is for.
    pub method: &'a str,
    /// The status it was answered with; 499 when its client went away before.
    pub status: u16,
    /// How long it took. An answer that goes on, such as events, is over when it begins.
    pub duration: Duration,
}

/// Is told of every request.
pub trait RequestObserver: Send + Sync + 'static {
    /// A request begins; it ends as well, whatever becomes of it.
    fn request_began(&self);

    /// A request is over.
    fn request_ended(&self, request: ObservedRequest<'_>);
}

/// Counts nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NobodyObserves;

impl RequestObserver for NobodyObserves {
    fn request_began(&self) {}
    fn request_ended(&self, _: ObservedRequest<'_>) {}
}
