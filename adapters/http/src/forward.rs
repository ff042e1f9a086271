//! Requests that another instance must answer: handed on to it, and its answer handed back.
//!
//! What changes something is done by one instance for all. Which one, [`InstanceApi`] knows; it may change while a request
//! waits. A request of which certainly no byte was read there is tried with the next one. Where the instance may have acted
//! on it and no answer came, nobody knows what became of the request: the client's connection is then closed without an
//! answer, as it would have been had the client spoken to the instance that died.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, Uri, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body as HttpBody, Frame};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use miroir_domain::error::ErrorCode;
use miroir_domain::role::Role;
use miroir_ports::inbound::{InstanceApi, Peer, RoleHolder};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout, timeout_at};

use crate::body::{Body, Pieces};
use crate::error::Failure;
use crate::{HttpOptions, request_id};

/// How often a request has been handed on.
const HOPS: HeaderName = HeaderName::from_static("x-miroir-hops");
/// The most often a request is handed on: twice is what a change of leaders can cause, more is a circle.
const MAX_HOPS: u8 = 3;
/// The longest wait for a connection to another instance.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The pause before an instance that could not be reached is tried again, while it is still the one.
const RETRY_PAUSE: Duration = Duration::from_millis(200);
/// How long it may stay unknown which instance it is: the store is asked again within that.
const UNKNOWN_HOLDER_WAIT: Duration = Duration::from_secs(1);
/// How long an instance that is handed a request waits before it hands it on: longer than it takes to read the store again.
const STALE_HOLDER_WAIT: Duration = Duration::from_millis(700);
/// How long an answer is still waited for once the instance it should come from is not the one any more.
const LOST_ROLE_WAIT: Duration = Duration::from_secs(1);
/// The largest answer that is handed back.
const MAX_RESPONSE_BYTES: usize = 64 * 1024 * 1024;
/// Headers that are about one connection.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::EXPECT,
    HeaderName::from_static("keep-alive"),
];

/// A request as it is handed on.
pub(crate) struct ForwardedRequest {
    pub(crate) method: Method,
    /// Path and query as they came.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    pub(crate) request_id: String,
}

/// Whose request it is.
pub(crate) enum Forwarding {
    /// This instance's.
    Local(ForwardedRequest),
    /// Another's, which answered.
    Response(Response<Bytes>),
    /// Another's, of which no answer will come.
    Unknown,
}

/// Hands requests on.
pub(crate) struct Forwarder {
    client: Client<HttpConnector, ReplayableBody>,
    holder_timeout: Duration,
    response_timeout: Duration,
}

impl Forwarder {
    pub(crate) fn new(options: &HttpOptions) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.set_nodelay(true);
        Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            holder_timeout: options.holder_timeout,
            response_timeout: options.upload_timeout + options.request_timeout + LOST_ROLE_WAIT,
        }
    }

    /// Finds out who does `role`, and has it answer when it is another instance. While nobody does it, the request waits.
    pub(crate) async fn forward(
        &self,
        instances: &dyn InstanceApi,
        role: &Role,
        mut request: ForwardedRequest,
    ) -> Result<Forwarding, Failure> {
        let deadline = Instant::now() + self.holder_timeout;
        let mut holder = instances.role_holder(role);
        if hops(&request.headers) > 0 && matches!(holder, RoleHolder::Remote(_)) {
            // Whoever handed it on thought that it is for this instance, so one of the two is behind: what is known here may
            // be of before the request came.
            holder = timeout(STALE_HOLDER_WAIT, instances.role_holder_changed(role, &holder))
                .await
                .unwrap_or(holder);
        }
        loop {
            match &holder {
                RoleHolder::Local => return Ok(Forwarding::Local(request)),
                RoleHolder::Vacant | RoleHolder::Unknown => {}
                RoleHolder::Remote(peer) => match self.send(instances, role, peer, request).await? {
                    Sent::Response(response) => return Ok(Forwarding::Response(response)),
                    Sent::Unknown => return Ok(Forwarding::Unknown),
                    Sent::NotReached(unsent) => request = unsent,
                },
            }
            let now = Instant::now();
            let until = match holder {
                RoleHolder::Remote(_) => deadline.min(now + RETRY_PAUSE),
                RoleHolder::Unknown => deadline.min(now + UNKNOWN_HOLDER_WAIT),
                RoleHolder::Local | RoleHolder::Vacant => deadline,
            };
            holder = match timeout_at(until, instances.role_holder_changed(role, &holder)).await {
                Ok(other) => other,
                Err(_) if holder == RoleHolder::Unknown => return Err(holder_unknown()),
                Err(_) if Instant::now() >= deadline => return Err(no_holder("none took over in time")),
                Err(_) => instances.role_holder(role),
            };
        }
    }

    async fn send(
        &self,
        instances: &dyn InstanceApi,
        role: &Role,
        peer: &Peer,
        request: ForwardedRequest,
    ) -> Result<Sent, Failure> {
        let headers = forwarded_headers(&request)?;
        let ForwardedRequest { method, target, body, headers: original, request_id } = request;
        let state = Arc::new(Mutex::new(BodyState::new(body)));
        let mut request = http::Request::new(ReplayableBody(Arc::clone(&state)));
        *request.method_mut() = method.clone();
        *request.uri_mut() = address(peer, &target)?;
        *request.headers_mut() = headers;

        let known = RoleHolder::Remote(peer.clone());
        let exchange = async {
            let response = self
                .client
                .request(request)
                .await
                .map_err(|error| SendError { unsent: error.is_connect(), reason: error.to_string() })?;
            relayed(response).await
        };
        let superseded = async {
            instances.role_holder_changed(role, &known).await;
            tokio::time::sleep(LOST_ROLE_WAIT).await;
        };
        let outcome = tokio::select! {
            biased;
            outcome = timeout(self.response_timeout, exchange) => outcome.ok(),
            () = superseded => None,
        };
        let reason = match outcome {
            Some(Ok(response)) => return Ok(Sent::Response(response)),
            Some(Err(error)) => {
                let mut state = state.lock();
                if let Some(failure) = state.failure.take() {
                    return Err(failure);
                }
                if error.unsent
                    && let Some(body) = state.take_back()
                {
                    tracing::debug!(target: "miroir::http", instance = peer.instance, "not reached: {}", error.reason);
                    let request = ForwardedRequest { method, target, headers: original, body, request_id };
                    return Ok(Sent::NotReached(request));
                }
                error.reason
            }
            None => "it is not the one any more, and did not answer".to_owned(),
        };
        tracing::warn!(
            target: "miroir::http",
            instance = peer.instance,
            "a request that was handed on is not answered, so its connection is closed: {reason}"
        );
        Ok(Sent::Unknown)
    }
}

enum Sent {
    Response(Response<Bytes>),
    /// Certainly nothing of it was read.
    NotReached(ForwardedRequest),
    Unknown,
}

struct SendError {
    unsent: bool,
    reason: String,
}

fn no_holder(why: &str) -> Failure {
    Failure::refused(
        ErrorCode::MiroirNoLeader,
        format!("No instance of Miroir takes this request at the moment, and nothing was done: {why}."),
    )
}

fn holder_unknown() -> Failure {
    let message = "The task store does not answer, so it cannot be told which instance of Miroir this is for. Nothing was done.";
    Failure::refused(ErrorCode::MiroirStoreUnavailable, message)
}

fn address(peer: &Peer, target: &str) -> Result<Uri, Failure> {
    let url = format!("{}{target}", peer.url.trim_end_matches('/'));
    url.parse().map_err(|error| {
        Failure::internal(&format!("instance `{}` cannot be reached at {}: {error}", peer.instance, peer.url))
    })
}

/// How often a request has been handed on.
fn hops(headers: &HeaderMap) -> u8 {
    headers.get(HOPS).and_then(|hops| hops.to_str().ok()?.parse().ok()).unwrap_or(0)
}

/// The headers of the request that is handed on.
fn forwarded_headers(request: &ForwardedRequest) -> Result<HeaderMap, Failure> {
    let hops = hops(&request.headers);
    if hops >= MAX_HOPS {
        return Err(no_holder("instances disagree about which of them it is for"));
    }
    let mut headers = without_hop_by_hop(&request.headers);
    headers.remove(header::HOST);
    headers.insert(HOPS, HeaderValue::from(u16::from(hops) + 1));
    if let Ok(id) = HeaderValue::from_str(&request.request_id) {
        headers.insert(request_id::HEADER, id);
    }
    Ok(headers)
}

fn without_hop_by_hop(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    for name in &HOP_BY_HOP {
        kept.remove(name);
    }
    kept
}

async fn relayed(response: Response<hyper::body::Incoming>) -> Result<Response<Bytes>, SendError> {
    let (mut head, body) = response.into_parts();
    let body = Limited::new(body, MAX_RESPONSE_BYTES)
        .collect()
        .await
        .map_err(|error| SendError { unsent: false, reason: error.to_string() })?;
    head.headers = without_hop_by_hop(&head.headers);
    Ok(Response::from_parts(head, body.to_bytes()))
}

/// What is still to be sent of a body: kept here, so that it can be taken back when nothing was.
struct BodyState {
    body: Option<Body>,
    pieces: Option<Pieces>,
    failure: Option<Failure>,
}

impl BodyState {
    fn new(body: Body) -> Self {
        Self { body: Some(body), pieces: None, failure: None }
    }

    /// The body, if nothing of it was sent.
    fn take_back(&mut self) -> Option<Body> {
        self.body.take()
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        if let Some(body) = self.body.take() {
            self.pieces = Some(body.into_pieces());
        }
        match &mut self.pieces {
            Some(pieces) => pieces.as_mut().poll_next(context),
            None => Poll::Ready(None),
        }
    }
}

/// A body that is lent to the client that sends it.
struct ReplayableBody(Arc<Mutex<BodyState>>);

impl HttpBody for ReplayableBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let mut state = self.0.lock();
        match state.poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(Ok(piece))) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            Poll::Ready(Some(Err(failure))) => {
                let error = std::io::Error::other(failure.error.message.clone());
                state.failure = Some(failure);
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let state = self.0.lock();
        state.pieces.is_none() && state.body.as_ref().is_none_or(Body::is_empty)
    }
}
