//! Switches that make the node misbehave, and the record of the requests that it received.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

/// The number of recent requests that are recorded.
const KEPT_REQUESTS: usize = 5_000;

/// The requests to which a fault applies.
///
/// Paths are compared segment by segment; `*` stands for any one segment, `**` at the end for any rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    method: Option<String>,
    path: String,
}

impl Route {
    /// Matches every request.
    pub fn any() -> Self {
        Self { method: None, path: "/**".to_owned() }
    }

    /// Matches requests of any method to a path, for example `/indexes/*/documents`.
    pub fn path(path: &str) -> Self {
        Self { method: None, path: path.to_owned() }
    }

    /// Matches requests of one method to a path.
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: Some(method.to_uppercase()), path: path.to_owned() }
    }

    /// Returns whether the request matches.
    pub fn matches(&self, method: &str, path: &str) -> bool {
        if self.method.as_deref().is_some_and(|wanted| wanted != method) {
            return false;
        }
        let mut wanted = self.path.split('/');
        let mut given = path.split('/');
        loop {
            match (wanted.next(), given.next()) {
                (Some("**"), _) | (None, None) => return true,
                (Some("*"), Some(_)) => {}
                (Some(wanted), Some(given)) if wanted == given => {}
                _ => return false,
            }
        }
    }
}

/// A failure of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Sends this response without doing the work: a refusal, 5xx, or garbage with status 200.
    Response {
        /// The HTTP status.
        status: u16,
        /// The body, sent as `application/json` whatever it is.
        body: String,
    },
    /// Reads the request and never responds.
    Hang,
    /// Cuts the connection without doing the work.
    Cut,
    /// Does the work, then cuts the connection without a response.
    LoseResponse,
    /// Does the work, announces the whole response, sends half of it and cuts the connection.
    TruncateResponse,
    /// Does the work, and responds after this time.
    Delay(Duration),
}

/// One request as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedRequest {
    /// The method, upper-case.
    pub method: String,
    /// The path, as sent.
    pub path: String,
    /// The query string as sent, without `?`; empty if there is none.
    pub query: String,
    /// The names of the headers, lower-case, and their values, without `authorization`.
    pub headers: Vec<(String, String)>,
    /// The length of the body in bytes.
    pub body_size: usize,
    /// The first 16 KiB of the body, as text.
    pub body: String,
}

#[derive(Debug, Default)]
struct Switches {
    latency: Duration,
    faults: Vec<ActiveFault>,
    requests: VecDeque<RecordedRequest>,
    counts: BTreeMap<String, u64>,
}

#[derive(Debug)]
struct ActiveFault {
    route: Route,
    fault: Fault,
    remaining: Option<u32>,
}

/// The switches of one node. Clones share the same switches, which survive stops and restarts.
#[derive(Debug, Clone)]
pub struct Control {
    switches: Arc<Mutex<Switches>>,
    tasks_paused: Arc<watch::Sender<bool>>,
}

impl Default for Control {
    fn default() -> Self {
        Self { switches: Arc::default(), tasks_paused: Arc::new(watch::Sender::new(false)) }
    }
}

impl Control {
    /// Delays every response by a fixed time.
    pub fn set_latency(&self, latency: Duration) {
        self.switches.lock().latency = latency;
    }

    /// Makes every matching request fail in this way until [`Control::clear_faults`]. Of several faults that
    /// match, the one set first applies.
    pub fn fail(&self, route: Route, fault: Fault) {
        self.switches.lock().faults.push(ActiveFault { route, fault, remaining: None });
    }

    /// Makes the next `times` matching requests fail in this way.
    pub fn fail_times(&self, route: Route, fault: Fault, times: u32) {
        self.switches.lock().faults.push(ActiveFault { route, fault, remaining: Some(times) });
    }

    /// Removes all faults. Requests that hang already continue to hang until their client gives up or the
    /// node stops.
    pub fn clear_faults(&self) {
        self.switches.lock().faults.clear();
    }

    /// Leaves accepted tasks enqueued. A task that is processing finishes.
    pub fn pause_tasks(&self) {
        self.tasks_paused.send_replace(true);
    }

    /// Processes tasks again.
    pub fn resume_tasks(&self) {
        self.tasks_paused.send_replace(false);
    }

    /// Returns the latest 5,000 requests, oldest first.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.switches.lock().requests.iter().cloned().collect()
    }

    /// Returns those of the latest 5,000 requests that match a route, oldest first.
    pub fn requests_to(&self, route: &Route) -> Vec<RecordedRequest> {
        let switches = self.switches.lock();
        switches
            .requests
            .iter()
            .filter(|request| route.matches(&request.method, &request.path))
            .cloned()
            .collect()
    }

    /// Returns the number of requests by method and route, such as `POST /indexes/{uid}/documents`.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.switches.lock().counts.clone()
    }

    /// Clears the recorded requests and counts.
    pub fn clear_requests(&self) {
        let mut switches = self.switches.lock();
        switches.requests.clear();
        switches.counts.clear();
    }

    /// Records a request. Returns the delay of its response, and the fault that applies to it.
    pub(crate) fn received(&self, request: RecordedRequest) -> (Duration, Option<Fault>) {
        let mut switches = self.switches.lock();
        let position =
            switches.faults.iter().position(|active| active.route.matches(&request.method, &request.path));
        let fault = position.map(|position| {
            let active = &mut switches.faults[position];
            active.remaining = active.remaining.map(|remaining| remaining.saturating_sub(1));
            let exhausted = active.remaining == Some(0);
            let fault = active.fault.clone();
            if exhausted {
                switches.faults.remove(position);
            }
            fault
        });
        *switches.counts.entry(route_name(&request.method, &request.path)).or_default() += 1;
        if switches.requests.len() == KEPT_REQUESTS {
            switches.requests.pop_front();
        }
        switches.requests.push_back(request);
        (switches.latency, fault)
    }

    /// Subscribes to whether the processing of tasks is paused.
    pub(crate) fn paused(&self) -> watch::Receiver<bool> {
        self.tasks_paused.subscribe()
    }
}

/// Returns the route of a path, in which index uids, document ids, keys and task uids are replaced by names.
fn route_name(method: &str, path: &str) -> String {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let named = match segments.as_slice() {
        ["indexes", _] => "/indexes/{uid}".to_owned(),
        ["indexes", _, "documents", rest @ ..] => match rest {
            [id] if !["fetch", "delete", "delete-batch"].contains(id) => {
                "/indexes/{uid}/documents/{id}".to_owned()
            }
            [] => "/indexes/{uid}/documents".to_owned(),
            _ => format!("/indexes/{{uid}}/documents/{}", rest.join("/")),
        },
        ["indexes", _, rest @ ..] => format!("/indexes/{{uid}}/{}", rest.join("/")),
        ["keys", _] => "/keys/{uid}".to_owned(),
        ["tasks", uid] if *uid != "cancel" => "/tasks/{uid}".to_owned(),
        _ => path.to_owned(),
    };
    format!("{method} {named}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn route_matches_segments_and_wildcards() {
        let route = Route::new("post", "/indexes/*/documents");
        assert!(route.matches("POST", "/indexes/a/documents"));
        assert!(!route.matches("PUT", "/indexes/a/documents"));
        assert!(!route.matches("POST", "/indexes/a/documents/1"));
        assert!(!route.matches("POST", "/indexes/documents"));
        assert!(Route::any().matches("GET", "/"));
        assert!(Route::path("/tasks/**").matches("GET", "/tasks/1"));
        assert!(!Route::path("/tasks/**").matches("GET", "/indexes"));
    }

    #[test]
    fn route_name_hides_uids_and_ids() {
        assert_eq!(route_name("GET", "/indexes/a/documents/1"), "GET /indexes/{uid}/documents/{id}");
        assert_eq!(route_name("POST", "/indexes/a/documents/fetch"), "POST /indexes/{uid}/documents/fetch");
        assert_eq!(route_name("GET", "/indexes/a"), "GET /indexes/{uid}");
        assert_eq!(route_name("PUT", "/indexes/a/settings/x"), "PUT /indexes/{uid}/settings/x");
        assert_eq!(route_name("GET", "/keys/5"), "GET /keys/{uid}");
        assert_eq!(route_name("GET", "/tasks/5"), "GET /tasks/{uid}");
        assert_eq!(route_name("POST", "/tasks/cancel"), "POST /tasks/cancel");
        assert_eq!(route_name("GET", "/health"), "GET /health");
    }

    #[test]
    fn fault_ends_after_its_number_of_requests() {
        let control = Control::default();
        control.fail_times(Route::any(), Fault::Cut, 2);
        let request = RecordedRequest {
            method: "GET".to_owned(),
            path: "/health".to_owned(),
            query: String::new(),
            headers: Vec::new(),
            body_size: 0,
            body: String::new(),
        };
        let faults: Vec<Option<Fault>> = (0..3).map(|_| control.received(request.clone()).1).collect();
        assert_eq!(faults, [Some(Fault::Cut), Some(Fault::Cut), None]);
        assert_eq!(control.counts()["GET /health"], 3);
    }
}
