//! Calls over HTTP: sends one call and reads its response, within a deadline and a size.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use miroir_domain::NodeId;
use miroir_ports::outbound::{ConnectionGuard, NodeError};
use reqwest::{Body, Client, RequestBuilder};
use tokio::time::{Instant, timeout_at};
use tower::BoxError;
use tower::timeout::TimeoutLayer;
use tower::util::AndThenLayer;

use crate::call::{Call, CallBody};
use crate::endpoint::{BuildError, ClientOptions, Node, NodeEndpoint};
use crate::error::{ResponseFailure, from_send};
use crate::transport::{Response, Transport};

/// The most memory to reserve for a body because of its announced length alone, in bytes.
const READ_AHEAD_BYTES: usize = 1 << 20;

/// The HTTP clients of the nodes.
///
/// Connections are kept and reused. A request is sent at most once: redirects are not followed, failed
/// requests are not repeated, and the client below sends a request again only if a kept connection turns out
/// to be closed before its first byte is written.
#[derive(Debug)]
pub(crate) struct HttpTransport {
    /// Each node with a client of its own, so that a guard knows to which node a connection leads.
    nodes: BTreeMap<NodeId, (Node, Client)>,
    max_response_bytes: usize,
}

impl HttpTransport {
    /// Creates a client for each node. Opens no connection. Each connection is used once `guard` has admitted
    /// it, or at once if there is no guard.
    pub(crate) fn new(
        endpoints: impl IntoIterator<Item = NodeEndpoint>,
        options: &ClientOptions,
        guard: Option<&Arc<dyn ConnectionGuard>>,
    ) -> Result<Self, BuildError> {
        let mut nodes = BTreeMap::new();
        for endpoint in endpoints {
            let node = Node::try_from(endpoint)?;
            let client = client(&node.id, options, guard).map_err(BuildError::Client)?;
            if let Some((twin, _)) = nodes.insert(node.id.clone(), (node, client)) {
                return Err(BuildError::DuplicateNode(twin.id));
            }
        }
        Ok(Self { nodes, max_response_bytes: options.max_response_bytes })
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, id: &NodeId, call: Call, deadline: Instant) -> Result<Response, NodeError> {
        let (node, client) =
            self.nodes.get(id).ok_or_else(|| NodeError::unreachable(id, "it is not configured"))?;
        let late = |_| NodeError::unknown(id, ResponseFailure::Late);
        let request = request(client, node, call);
        let response = timeout_at(deadline, request.send())
            .await
            .map_err(late)?
            .map_err(|error| from_send(id, error))?;
        let status = response.status();
        let max_bytes = self.max_response_bytes;
        let body = match timeout_at(deadline, read_bounded(response, max_bytes)).await {
            Ok(Ok(Some(body))) => Ok(body),
            Ok(Ok(None)) => Err(NodeError::TooLong { node: id.clone(), max_bytes }),
            Ok(Err(failure)) => Err(NodeError::unknown(id, failure)),
            Err(_) => Err(NodeError::unknown(id, ResponseFailure::Unfinished)),
        };
        Ok(Response { status, body })
    }
}

fn request(client: &Client, node: &Node, call: Call) -> RequestBuilder {
    let mut request = client.request(call.method, format!("{}{}", node.base_url, call.path));
    if !call.query.is_empty() {
        request = request.query(&call.query);
    }
    if let Some(authorization) = &node.authorization {
        request = request.header(AUTHORIZATION, authorization.clone());
    }
    match call.body {
        CallBody::Empty => request,
        CallBody::Json(body) => request.json(&body),
        CallBody::Ndjson(documents) => request
            .header(CONTENT_TYPE, "application/x-ndjson")
            .header(CONTENT_LENGTH, documents.content_length())
            .body(Body::wrap_stream(stream::iter(documents.chunks().map(Ok::<_, Infallible>)))),
    }
}

/// Creates the HTTP client of one node.
fn client(
    node: &NodeId,
    options: &ClientOptions,
    guard: Option<&Arc<dyn ConnectionGuard>>,
) -> reqwest::Result<Client> {
    let builder = Client::builder()
        .user_agent(concat!("miroir/", env!("CARGO_PKG_VERSION")))
        .pool_idle_timeout(options.idle_timeout)
        .pool_max_idle_per_host(options.idle_connections)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .http1_only()
        // A layer instead of `connect_timeout`, which would count the admission as well.
        .connector_layer(TimeoutLayer::new(options.connect_timeout));
    let Some(guard) = guard.cloned() else { return builder.build() };
    let node = node.clone();
    let admit = AndThenLayer::new(move |connection| {
        let (guard, node) = (Arc::clone(&guard), node.clone());
        async move {
            guard.admit(&node).await.map_err(BoxError::from)?;
            Ok(connection)
        }
    });
    builder.connector_layer(admit).build()
}

/// Reads a body to its end. Returns `None` if it is longer than `max_bytes`.
async fn read_bounded(
    mut response: reqwest::Response,
    max_bytes: usize,
) -> Result<Option<Bytes>, ResponseFailure> {
    let announced = usize::try_from(response.content_length().unwrap_or(0)).unwrap_or(usize::MAX);
    if announced > max_bytes {
        return Ok(None);
    }
    let mut body = BytesMut::with_capacity(announced.min(READ_AHEAD_BYTES));
    let broken = |error: reqwest::Error| ResponseFailure::Broken(error.without_url());
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > max_bytes {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body.freeze()))
}
