//! One request and its response: the part that is the same for every route.

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
use crate::error_link::ErrorLinks;
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

/// The maximum length of `X-Miroir-Degraded` in bytes, which every client accepts in a header.
const MAX_DEGRADED_BYTES: usize = 4096;

/// The state that all requests share.
pub(crate) struct Exchange {
    apis: Arc<Apis>,
    forwarder: Forwarder,
    options: HttpOptions,
    router: Router,
    ids: RequestIds,
    permits: RequestPermits,
    /// Changes when the server stops, which ends event streams.
    stopping: watch::Receiver<()>,
}

/// A request as it arrived.
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
    pub(crate) fn new(apis: Arc<Apis>, options: HttpOptions, stopping: watch::Receiver<()>) -> Self {
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

    /// Returns the filter for one connection from `peer`. It notifies `close` when the connection must be
    /// closed without a response. The filter responds to every request itself, so warp rejects none.
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

    /// Returns the response. Returns `None` if the connection must be closed without one.
    async fn serve(&self, incoming: Incoming) -> Option<warp::reply::Response> {
        let id = self.ids.keep_or_generate(&incoming.headers);
        let span = tracing::info_span!(target: "miroir::http", "request", request_id = id);
        let mut line = LogLine::begin(&id, &incoming.method, Arc::clone(&self.apis.observer));
        let path = incoming.path.clone();
        let sent = incoming.headers.clone();
        let mut response = if let Some(headers) = cors::preflight(&incoming.method, &path, &sent) {
            let mut response = Response::new(Bytes::new()).into_response();
            *response.headers_mut() = headers;
            response
        } else {
            let mut permit = None;
            let stale_reads = self.apis.staleness.stale_reads();
            let outcome = self.outcome(incoming, &id, &mut line, &mut permit).instrument(span).await;
            self.to_response(outcome, &sent, permit, stale_reads)?
        };
        cors::allow_origin(&path, &sent, response.headers_mut());
        insert(response.headers_mut(), request_id::HEADER, &id);
        line.status = Some(response.status());
        Some(response)
    }

    /// Runs the handler, here or on the instance that holds the role. `permit` receives the request permit,
    /// which the caller holds until the response is complete.
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
        // Health and readiness must be served however busy Miroir is.
        if route.access != Access::Open {
            let acquired = self.permits.acquire(activity)?;
            body.release_while_waiting(acquired.clone());
            *permit = Some(acquired);
        }
        let role = route.role(&parameters);
        if let Some(role) = &role {
            let target = if query.is_empty() { path } else { format!("{path}?{query}") };
            let forwarded = ForwardedRequest { method, target, headers, body, request_id: id.to_owned() };
            match self.forwarder.forward(self.apis.instance.as_ref(), role, forwarded).await? {
                Forwarding::Local(request) => ForwardedRequest { headers, body, .. } = request,
                Forwarding::Response(response) => return Ok(Reply::relayed(response)),
                Forwarding::Unknown => return Ok(Reply::close()),
            }
        }
        let request = Request { parameters, query: Query::parse(&query), headers, body };
        let outcome = self.run(&route, request).await;
        if role.is_some_and(|role| is_superseded(&outcome, &self.apis, &role)) {
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

    /// Runs the handler within its time limit. A panic becomes an internal error.
    async fn run(&self, route: &Route, request: Request) -> Outcome {
        let body_done = request.body.done();
        let limit = self.options.request_timeout;
        // The limit for a handler that never reads its body.
        let latest = Instant::now() + self.options.upload_timeout + limit;
        let timed_out = async {
            tokio::select! {
                () = body_done.notified() => sleep_until(Instant::now() + limit).await,
                () = sleep_until(latest) => (),
            }
        };
        // The handler is called inside the future, so that a panic before its first await is caught as well.
        let handler = async { route.handle(Arc::clone(&self.apis), request).await };
        tokio::select! {
            outcome = AssertUnwindSafe(handler).catch_unwind() => {
                outcome.unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
            }
            () = timed_out => {
                let message = format!(
                    "The request took longer than {} ms. A write may have been accepted nevertheless: see `GET /tasks`.",
                    limit.as_millis()
                );
                Err(Failure::refused(ErrorCode::MiroirTimeout, message))
            }
        }
    }
}

impl Exchange {
    fn to_response(
        &self,
        outcome: Outcome,
        sent: &HeaderMap,
        permit: Option<RequestPermit>,
        stale_reads: u64,
    ) -> Option<warp::reply::Response> {
        match outcome {
            Ok(reply) => self.success(reply, permit, stale_reads),
            Err(mut failure) => {
                ErrorLinks::of(sent).complete(&mut failure.error.link);
                Some(failed(&failure).into_response())
            }
        }
    }

    fn success(
        &self,
        reply: Reply,
        permit: Option<RequestPermit>,
        stale_reads: u64,
    ) -> Option<warp::reply::Response> {
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
        if let Some(age) = self.apis.staleness.registry_age(stale_reads) {
            insert(
                headers,
                header::HeaderName::from_static("x-miroir-registry-age"),
                &age.as_secs().to_string(),
            );
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

/// Returns whether a request failed because this instance lost the role that the request needs. The client
/// can retry: another instance holds the role, or will soon.
fn is_superseded(outcome: &Outcome, apis: &Apis, role: &Role) -> bool {
    let failed = matches!(outcome, Err(failure) if failure.status == StatusCode::SERVICE_UNAVAILABLE);
    failed && matches!(apis.instance.role_holder(role), RoleHolder::Remote(_) | RoleHolder::Vacant)
}

/// Truncates `text` to a length that every client accepts in a header.
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
    // An object of four strings always serializes; a bug would leave the body empty.
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

/// Sets a header. Values are visible ASCII by construction; another value is left out.
fn insert(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
