//! One request and its answer: everything that is the same for every route.

use std::any::Any;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use futures_util::{FutureExt, Stream, StreamExt};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use miroir_domain::error::ErrorCode;
use miroir_domain::role::Role;
use miroir_ports::inbound::RoleHolder;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};
use tracing::Instrument;
use warp::filters::BoxedFilter;
use warp::{Filter, Reply as _};

use crate::body::{Body, BodyLimits};
use crate::connections::Activity;
use crate::content::JSON;
use crate::error::Failure;
use crate::forward::{ForwardedRequest, Forwarder, Forwarding};
use crate::log::LogLine;
use crate::query::Query;
use crate::reply::{Content, Outcome, Reply, response};
use crate::request::Request;
use crate::request_id::{self, RequestIds};
use crate::request_permit::{RequestPermit, RequestPermits};
use crate::route::{Access, Route};
use crate::router::Router;
use crate::{Apis, HttpOptions, auth, cors, listing, routes};

/// Longest value of `X-Miroir-Degraded`, in bytes; what a client's header limit surely takes.
const MAX_DEGRADED_BYTES: usize = 4096;

/// What every request shares.
pub(crate) struct Exchange {
    /// What this instance can do changes with what it holds.
    apis: watch::Receiver<Arc<Apis>>,
    forwarder: Forwarder,
    options: HttpOptions,
    router: Router,
    ids: RequestIds,
    permits: RequestPermits,
    /// Answers that go on end when the server stops.
    stopping: watch::Receiver<()>,
}

/// A request as it came in.
struct Incoming {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    peer: SocketAddr,
    activity: Arc<Activity>,
    body: Body,
}

impl Exchange {
    pub(crate) fn new(
        apis: watch::Receiver<Arc<Apis>>,
        options: HttpOptions,
        stopping: watch::Receiver<()>,
    ) -> Self {
        Self {
            apis,
            forwarder: Forwarder::new(&options),
            router: Router::new(routes::all()),
            ids: RequestIds::new(&options.request_id_prefix),
            permits: RequestPermits::new(options.max_concurrent_requests),
            stopping,
            options,
        }
    }

    /// The filter for one connection from `peer`, which is closed on `close`. Everything is answered inside it, so nothing
    /// is rejected.
    pub(crate) fn filter(
        self: Arc<Self>,
        peer: SocketAddr,
        activity: Arc<Activity>,
        close: &Arc<Notify>,
    ) -> BoxedFilter<(warp::reply::Response,)> {
        let close = Arc::clone(close);
        let query = warp::query::raw().or(warp::any().map(String::new)).unify();
        warp::method()
            .and(warp::path::full())
            .and(query)
            .and(warp::header::headers_cloned())
            .and(warp::body::stream())
            .then(move |method, path: warp::path::FullPath, query, headers, chunks| {
                let (exchange, close) = (Arc::clone(&self), Arc::clone(&close));
                let body = exchange.body(&headers, chunks);
                let (path, activity) = (path.as_str().to_owned(), Arc::clone(&activity));
                async move {
                    let incoming = Incoming { method, path, query, headers, peer, activity, body };
                    if let Some(response) = exchange.serve(incoming).await {
                        return response;
                    }
                    close.notify_one();
                    std::future::pending().await
                }
            })
            .boxed()
    }

    fn body<C: Buf>(
        &self,
        headers: &HeaderMap,
        chunks: impl Stream<Item = Result<C, warp::Error>> + Send + 'static,
    ) -> Body {
        let chunks = chunks.map(|chunk| chunk.map(|mut chunk| chunk.copy_to_bytes(chunk.remaining())));
        let limits = BodyLimits {
            max_bytes: self.options.max_body_bytes,
            stall: self.options.body_timeout,
            total: self.options.upload_timeout,
        };
        Body::new(headers, Box::pin(chunks), limits)
    }

    /// The answer; none when the connection is to be closed without one.
    async fn serve(&self, incoming: Incoming) -> Option<warp::reply::Response> {
        let id = self.ids.keep_or_make(&incoming.headers);
        let span = tracing::info_span!(target: "miroir::http", "request", request_id = id);
        let mut line = LogLine::begin(&id, &incoming.method, Arc::clone(&self.apis.borrow().observer));
        let path = incoming.path.clone();
        let sent = incoming.headers.clone();
        let mut response = if let Some(headers) = cors::preflight(&incoming.method, &path, &sent) {
            let mut response = Response::new(Bytes::new()).into_response();
            *response.headers_mut() = headers;
            response
        } else {
            let mut permit = None;
            let outcome = self.outcome(incoming, &id, &mut line, &mut permit).instrument(span).await;
            self.to_response(outcome, permit)?
        };
        cors::allow_origin(&path, &sent, response.headers_mut());
        insert(response.headers_mut(), request_id::HEADER, &id);
        line.status = Some(response.status());
        Some(response)
    }

    /// Runs the handler. `permit` is its permit among the requests that are answered at once, until the answer is complete.
    async fn outcome(
        &self,
        incoming: Incoming,
        id: &str,
        line: &mut LogLine,
        permit: &mut Option<RequestPermit>,
    ) -> Outcome {
        self.check_header_size(&incoming)?;
        let (route, parameters) = self.router.find(&incoming.method, &incoming.path)?;
        line.route = Some(Arc::clone(&route));
        auth::check(route.access, &incoming.headers, incoming.peer, &self.options)?;
        let Incoming { method, path, query, mut headers, mut body, activity, .. } = incoming;
        // Whoever asks whether Miroir lives needs no permit.
        if route.access != Access::Open {
            let acquired = self.permits.acquire(activity)?;
            body.release_while_waiting(acquired.clone());
            *permit = Some(acquired);
        }
        let role = route.role(&parameters);
        if let Some(role) = &role {
            let target = if query.is_empty() { path } else { format!("{path}?{query}") };
            let forwarded = ForwardedRequest { method, target, headers, body, request_id: id.to_owned() };
            let instances = Arc::clone(&self.apis.borrow().instance);
            match self.forwarder.forward(instances.as_ref(), role, forwarded).await? {
                Forwarding::Local(request) => ForwardedRequest { headers, body, .. } = request,
                Forwarding::Response(response) => return Ok(Reply::relayed(response)),
                Forwarding::Unknown => return Ok(Reply::close()),
            }
        }
        // From here to its end the request is answered by what this instance can do now.
        let apis = Arc::clone(&self.apis.borrow());
        let request = Request { parameters, query: Query::parse(&query), headers, body };
        let outcome = self.run(&route, Arc::clone(&apis), request).await;
        if role.is_some_and(|role| is_superseded(&outcome, &apis, &role)) {
            return Ok(Reply::close());
        }
        line.task = outcome.as_ref().ok().and_then(|reply| reply.task);
        outcome
    }

    fn check_header_size(&self, incoming: &Incoming) -> Result<(), Failure> {
        let line = incoming.method.as_str().len() + incoming.path.len() + incoming.query.len();
        let headers = incoming.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
        if line + headers.sum::<usize>() > self.options.max_header_bytes {
            return Err(Failure::headers_too_large(self.options.max_header_bytes));
        }
        Ok(())
    }

    /// Runs the handler: within its time, and with a panic as an answer like any other.
    async fn run(&self, route: &Route, apis: Arc<Apis>, request: Request) -> Outcome {
        let body_done = request.body.done();
        let limit = self.options.request_timeout;
        // A handler that does not read its body has no later moment to count from.
        let at_the_latest = Instant::now() + self.options.upload_timeout + limit;
        let late = async {
            tokio::select! {
                () = body_done.notified() => sleep_until(Instant::now() + limit).await,
                () = sleep_until(at_the_latest) => (),
            }
        };
        // The handler is made inside the caught future: what it does before its first await may panic as well.
        let handler = async { route.handle(apis, request).await };
        tokio::select! {
            outcome = AssertUnwindSafe(handler).catch_unwind() => {
                outcome.unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
            }
            () = late => {
                let message = format!(
                    "The request was not answered within {} ms. A write may have been taken all the same: `GET /tasks` tells.",
                    limit.as_millis()
                );
                Err(Failure::refused(ErrorCode::MiroirTimeout, message))
            }
        }
    }
}

impl Exchange {
    fn to_response(&self, outcome: Outcome, permit: Option<RequestPermit>) -> Option<warp::reply::Response> {
        match outcome {
            Ok(reply) => self.success(reply, permit),
            Err(failure) => Some(failed(&failure).into_response()),
        }
    }

    fn success(&self, reply: Reply, permit: Option<RequestPermit>) -> Option<warp::reply::Response> {
        let Reply { status, content, degraded, version, task: _ } = reply;
        let mut response = match content {
            Content::Json(body) => response(status, JSON, body).into_response(),
            Content::Text(content_type, text) => response(status, content_type, text).into_response(),
            Content::OpenApi => response(status, JSON, listing::openapi_bytes()).into_response(),
            Content::Events(events) => events.into_response(self.stopping.clone(), permit),
            Content::Relayed(response) => return Some(response.into_response()),
            Content::Close => return None,
        };
        let headers = response.headers_mut();
        if status == StatusCode::NO_CONTENT {
            headers.remove(header::CONTENT_TYPE);
        }
        if let Some(version) = version {
            insert(headers, header::ETAG, &format!("\"{version}\""));
        }
        if let Some(degraded) = degraded {
            insert(
                headers,
                header::HeaderName::from_static("x-miroir-degraded"),
                &truncated(degraded.to_string()),
            );
        }
        Some(response)
    }
}

/// Whether a request failed because this instance is not the one any more that may answer it: another is, or will be, and a
/// client that tries again is answered there.
fn is_superseded(outcome: &Outcome, apis: &Apis, role: &Role) -> bool {
    let failed = matches!(outcome, Err(failure) if failure.status == StatusCode::SERVICE_UNAVAILABLE);
    failed && matches!(apis.instance.role_holder(role), RoleHolder::Remote(_) | RoleHolder::Vacant)
}

/// What a client's header limit surely takes of `text`.
fn truncated(mut text: String) -> String {
    if text.len() > MAX_DEGRADED_BYTES {
        let end = (0..=MAX_DEGRADED_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push_str("...");
    }
    text
}

fn panicked(panic: &(dyn Any + Send)) -> Failure {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Failure::internal(&format!("a handler panicked: {}", text.unwrap_or("no message")))
}

fn failed(failure: &Failure) -> Response<Bytes> {
    // Four texts always serialize; an empty body is the worst that could come of a bug here.
    let body = serde_json::to_vec(failure.error.as_ref()).unwrap_or_default();
    let mut response = response(failure.status, JSON, Bytes::from(body));
    if let Some(seconds) = failure.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    if let Some(allow) = &failure.allow {
        insert(response.headers_mut(), header::ALLOW, allow);
    }
    response
}

/// Sets a header whose value is visible ASCII by construction; were it not, the answer goes without it.
fn insert(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
