//! Requests, counted by the observer of everything else.

use std::sync::Arc;

use miroir_http::{ObservedRequest, RequestObserver};
use miroir_ports::outbound::{Observer, Occurrence};

pub(super) struct RequestCounter(pub(super) Arc<dyn Observer>);

impl RequestObserver for RequestCounter {
    fn request_began(&self) {
        self.0.observe(Occurrence::RequestBegan);
    }

    fn request_ended(&self, request: ObservedRequest<'_>) {
        let ObservedRequest { route, method, status, duration } = request;
        self.0.observe(Occurrence::RequestEnded { route, method, status, duration });
    }
}
