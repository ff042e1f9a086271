//! The log line of a request, and its report to the observer.

use std::sync::Arc;

use http::{Method, StatusCode};
use miroir_domain::TaskUid;
use miroir_ports::outbound::{Observer, Occurrence};
use tokio::time::Instant;

use crate::route::Route;

/// The status logged for a client that disconnected before the response.
const CLIENT_GONE: u16 = 499;
/// The route logged for a request that matches none.
const UNMATCHED: &str = "unmatched";
/// The method reported for such a request, since clients may send any word.
const OTHER: &str = "other";

/// The log line of one request. It is written when it is dropped, so also if the client disconnects and the
/// handler is dropped.
pub(crate) struct LogLine {
    request_id: String,
    method: Method,
    begun: Instant,
    observer: Arc<dyn Observer>,
    /// The route. Its template is logged instead of the path, because paths contain search terms.
    pub(crate) route: Option<Arc<Route>>,
    pub(crate) status: Option<StatusCode>,
    pub(crate) task: Option<TaskUid>,
}

impl LogLine {
    pub(crate) fn begin(request_id: &str, method: &Method, observer: Arc<dyn Observer>) -> Self {
        observer.observe(Occurrence::RequestBegan);
        Self {
            request_id: request_id.to_owned(),
            method: method.clone(),
            begun: Instant::now(),
            observer,
            route: None,
            status: None,
            task: None,
        }
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        let duration = self.begun.elapsed();
        let status = self.status.map_or(CLIENT_GONE, |status| status.as_u16());
        let route = self.route.as_ref().map_or(UNMATCHED, |route| route.template.as_str());
        let method = self.route.as_ref().map_or(OTHER, |route| route.method.as_str());
        self.observer.observe(Occurrence::RequestEnded { route, method, status, duration });
        tracing::info!(
            target: "miroir::http",
            request_id = self.request_id,
            route,
            method = self.method.as_str(),
            status,
            duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            task_uid = self.task.map(|task| task.0),
            "request"
        );
    }
}
