//! One line per request.

use http::{Method, StatusCode};
use miroir_domain::TaskUid;
use tokio::time::Instant;

/// The status logged for a client that went away before its answer.
const CLIENT_GONE: u16 = 499;

/// The log line of one request, written when it is dropped: also when the client went away and the handler was
/// dropped with everything else.
pub(crate) struct LogLine {
    request_id: String,
    method: Method,
    begun: Instant,
    /// The template of the route, never the path: paths hold what clients search for.
    pub(crate) route: String,
    pub(crate) status: Option<StatusCode>,
    pub(crate) task: Option<TaskUid>,
}

impl LogLine {
    pub(crate) fn begin(request_id: &str, method: &Method) -> Self {
        Self {
            request_id: request_id.to_owned(),
            method: method.clone(),
            begun: Instant::now(),
            route: "unmatched".to_owned(),
            status: None,
            task: None,
        }
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        let duration_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            target: "miroir::http",
            request_id = self.request_id,
            route = self.route,
            method = self.method.as_str(),
            status = self.status.map_or(CLIENT_GONE, |status| status.as_u16()),
            duration_ms,
            task_uid = self.task.map(|task| task.0),
            "request"
        );
    }
}
