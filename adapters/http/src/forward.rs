//! Requests that another instance must serve: forwarded to it, with its response passed back.
//!
//! A request that changes something is served by the holder of a role. [`InstanceApi`] knows the holder,
//! which may change while a request waits. A request that certainly did not reach the holder is sent to the
//! next one. If the holder may have acted on a request and sent no response, the outcome is unknown: the
//! connection of the client is then closed without a response, as if the client had been connected to the
//! failed instance itself.

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

use crate::body::{Body, LimitedChunks};
use crate::error::Failure;
use crate::error_link::FORWARDED_HOST;
use crate::{HttpOptions, request_id};

/// The header that counts how often a request was forwarded.
const HOPS: HeaderName = HeaderName::from_static("x-miroir-hops");
/// The maximum number of times that a request is forwarded. A change of leaders can cause two; more is a
/// loop.
const MAX_HOPS: u8 = 3;
/// The maximum wait for a connection to another instance.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The pause before a retry of an unreachable instance that still holds the role.
const RETRY_PAUSE: Duration = Duration::from_millis(200);
/// The maximum wait while the holder is unknown. The store is read again within this time.
const UNKNOWN_HOLDER_WAIT: Duration = Duration::from_secs(1);
/// The wait of an instance before it forwards a request that was forwarded to it: longer than it takes to
/// read the store again.
const STALE_HOLDER_WAIT: Duration = Duration::from_millis(700);
/// The wait for a response after the other instance has lost the role.
const LOST_ROLE_WAIT: Duration = Duration::from_secs(1);
/// The maximum size of a response that is passed back.
const MAX_RESPONSE_BYTES: usize = 64 * 1024 * 1024;
/// Headers that concern one connection only.
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

/// A request that may be forwarded.
pub(crate) struct ForwardedRequest {
    pub(crate) method: Method,
    /// Path and query as they arrived.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    pub(crate) request_id: String,
}

/// The outcome of [`Forwarder::forward`].
pub(crate) enum Forwarding {
    /// This instance holds the role and serves the request itself.
    Local(ForwardedRequest),
    /// The response of another instance.
    Response(Response<Bytes>),
    /// Another instance may have acted on the request, and sends no response.
    Unknown,
}

/// Forwards requests to other instances.
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

    /// Sends `request` to the holder of `role`, unless this instance is the holder. Waits while there is no
    /// holder.
    pub(crate) async fn forward(
        &self,
        instances: &dyn InstanceApi,
        role: &Role,
        mut request: ForwardedRequest,
    ) -> Result<Forwarding, Failure> {
        let deadline = Instant::now() + self.holder_timeout;
        let mut holder = instances.role_holder(role);
        if hops(&request.headers) > 0 && matches!(holder, RoleHolder::Remote(_)) {
            // The sender considers this instance the holder, so one of the two is behind: the state known
            // here may be older than the request.
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
                Err(_) if Instant::now() >= deadline => {
                    return Err(no_holder("no instance took over in time"));
                }
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
            None => "it lost the role and sent no response".to_owned(),
        };
        tracing::warn!(
            target: "miroir::http",
            instance = peer.instance,
            "a forwarded request has no response, so its connection is closed: {reason}"
        );
        Ok(Sent::Unknown)
    }
}

enum Sent {
    Response(Response<Bytes>),
    /// The other instance certainly read nothing of the request.
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
        format!("No instance of Miroir accepts this request at the moment: {why}. Nothing was done."),
    )
}

fn holder_unknown() -> Failure {
    let message = "The task store is unavailable, so the instance of Miroir that must serve this request is unknown. Nothing was done.";
    Failure::refused(ErrorCode::MiroirStoreUnavailable, message)
}

fn address(peer: &Peer, target: &str) -> Result<Uri, Failure> {
    let url = format!("{}{target}", peer.url.trim_end_matches('/'));
    url.parse().map_err(|error| {
        Failure::internal(&format!("instance `{}` cannot be reached at {}: {error}", peer.instance, peer.url))
    })
}

/// Returns how often a request was forwarded.
fn hops(headers: &HeaderMap) -> u8 {
    headers.get(HOPS).and_then(|hops| hops.to_str().ok()?.parse().ok()).unwrap_or(0)
}

/// Returns the headers with which the request is forwarded.
fn forwarded_headers(request: &ForwardedRequest) -> Result<HeaderMap, Failure> {
    let hops = hops(&request.headers);
    if hops >= MAX_HOPS {
        return Err(no_holder("the instances disagree about which of them must serve it"));
    }
    let mut headers = without_hop_by_hop(&request.headers);
    // The holder makes links from the host that the client named.
    if let Some(host) = headers.remove(header::HOST) {
        headers.entry(FORWARDED_HOST).or_insert(host);
    }
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

/// The unsent part of a body. While nothing was sent, the body can be taken back.
struct BodyState {
    body: Option<Body>,
    chunks: Option<LimitedChunks>,
    failure: Option<Failure>,
}

impl BodyState {
    fn new(body: Body) -> Self {
        Self { body: Some(body), chunks: None, failure: None }
    }

    /// Returns the body if nothing of it was sent.
    fn take_back(&mut self) -> Option<Body> {
        self.body.take()
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        if let Some(body) = self.body.take() {
            self.chunks = Some(body.into_chunks());
        }
        match &mut self.chunks {
            Some(chunks) => chunks.as_mut().poll_next(context),
            None => Poll::Ready(None),
        }
    }
}

/// The body of a forwarded request. It can be replayed to another instance while nothing of it was sent.
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
            Poll::Ready(Some(Ok(chunk))) => Poll::Ready(Some(Ok(Frame::data(chunk)))),
            Poll::Ready(Some(Err(failure))) => {
                let error = std::io::Error::other(failure.error.message.clone());
                state.failure = Some(failure);
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let state = self.0.lock();
        state.chunks.is_none() && state.body.as_ref().is_none_or(Body::is_empty)
    }
}
