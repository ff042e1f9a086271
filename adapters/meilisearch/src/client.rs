//! Sends one call and reads its answer, within a deadline and a size.

use std::collections::BTreeMap;
use std::convert::Infallible;

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http::StatusCode;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use miroir_domain::NodeId;
use miroir_ports::outbound::NodeError;
use reqwest::{Body, Client, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use tracing::{debug, trace};

use crate::call::{Call, CallBody};
use crate::endpoint::{BuildError, ClientOptions, Node, NodeEndpoint};
use crate::error::{causes, from_send, is_refusal, refused, unknown, unreachable};

/// The most memory an announced length alone can claim, in bytes.
const READ_AHEAD_BYTES: usize = 1 << 20;

/// The nodes of a cluster, over HTTP.
///
/// Connections are kept and used again. A request goes out at most once: redirects are not followed, answers are not
/// asked for again, and the client below repeats a request only when a kept connection turned out to be closed before
/// the first byte of it was written.
#[derive(Debug)]
pub struct MeilisearchNodes {
    client: Client,
    nodes: BTreeMap<NodeId, Node>,
    max_answer_bytes: usize,
}

impl MeilisearchNodes {
    /// A client for these nodes. Opens no connection.
    pub fn new(
        endpoints: impl IntoIterator<Item = NodeEndpoint>,
        options: &ClientOptions,
    ) -> Result<Self, BuildError> {
        let mut nodes = BTreeMap::new();
        for endpoint in endpoints {
            let node = Node::try_from(endpoint)?;
            if let Some(twin) = nodes.insert(node.id.clone(), node) {
                return Err(BuildError::DuplicateNode(twin.id));
            }
        }
        let client = Client::builder()
            .user_agent(concat!("miroir/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(options.connect_timeout)
            .pool_idle_timeout(options.idle_timeout)
            .pool_max_idle_per_host(options.idle_connections)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .http1_only()
            .build()
            .map_err(BuildError::Client)?;
        Ok(Self { client, nodes, max_answer_bytes: options.max_answer_bytes })
    }

    /// Sends `call` and reads the JSON of a good answer. Every wait ends at `deadline`.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        node: &NodeId,
        call: Call,
        deadline: Instant,
    ) -> Result<T, NodeError> {
        let name = call.to_string();
        let outcome = self.exchange(node, call, deadline).await;
        match &outcome {
            Ok(_) => trace!(%node, call = %name, "node answered"),
            Err(error) => debug!(%node, call = %name, %error, "node call failed"),
        }
        outcome
    }

    async fn exchange<T: DeserializeOwned>(
        &self,
        id: &NodeId,
        call: Call,
        deadline: Instant,
    ) -> Result<T, NodeError> {
        let node = self.nodes.get(id).ok_or_else(|| unreachable(id, "it is not configured"))?;
        let late = |_| unknown(id, "it did not answer in time");
        let request = self.request(node, call);
        let response = timeout_at(deadline, request.send())
            .await
            .map_err(late)?
            .map_err(|error| from_send(id, error))?;
        let status = response.status();
        let body = match timeout_at(deadline, read_bounded(response, self.max_answer_bytes)).await {
            Ok(body) => body,
            Err(_) => Err("it began to answer and did not finish in time".to_owned()),
        };
        if is_refusal(status) {
            // The status alone is the decision, whatever became of the body.
            return Err(refused(id, status, body.as_deref().ok()));
        }
        if !status.is_success() {
            return Err(unknown(id, describe(status, body.as_deref().ok())));
        }
        let body = body.map_err(|reason| unknown(id, reason))?;
        serde_json::from_slice(&body)
            .map_err(|error| unknown(id, format!("its answer is not what was expected: {error}")))
    }

    fn request(&self, node: &Node, call: Call) -> RequestBuilder {
        let mut request = self.client.request(call.method, format!("{}{}", node.base_url, call.path));
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
}

/// Reads a body to its end, or says why not.
async fn read_bounded(mut response: Response, max_bytes: usize) -> Result<Bytes, String> {
    let too_long = || format!("its answer is longer than {max_bytes} bytes");
    let announced = usize::try_from(response.content_length().unwrap_or(0)).unwrap_or(usize::MAX);
    if announced > max_bytes {
        return Err(too_long());
    }
    let mut body = BytesMut::with_capacity(announced.min(READ_AHEAD_BYTES));
    while let Some(chunk) = response.chunk().await.map_err(|error| causes(&error.without_url()))? {
        if body.len() + chunk.len() > max_bytes {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// A status that is neither success nor refusal, with the node's words when it has some.
fn describe(status: StatusCode, body: Option<&[u8]>) -> String {
    let message = body
        .and_then(|body| serde_json::from_slice::<Value>(body).ok())
        .and_then(|value| Some(crate::error::response_error(&value)?.message));
    match message {
        Some(message) => format!("it answered {status}: {message}"),
        None => format!("it answered {status}"),
    }
}
