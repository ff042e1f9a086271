//! The network between instances and nodes.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use miroir_domain::NodeId;
use miroir_meilisearch::{Call, CallBody, Response, Transport};
use miroir_ports::outbound::{ConnectionGuard, NodeError};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout_at};

use crate::gate::Gate;
use crate::world::{Fate, MASTER_KEY, World};

/// The time in which a connection must be made.
const CONNECT: Duration = Duration::from_secs(1);

/// The time for which a connection is kept without a request.
const IDLE: Duration = Duration::from_secs(3);

/// The way of the calls of one instance, which keeps connections as the production client does.
pub struct SimTransport {
    /// The world.
    pub world: Arc<World>,
    /// The number of the instance.
    pub instance: usize,
    /// The gate of the instance.
    pub gate: Gate,
    /// The guard that admits connections, if they need one.
    pub guard: Option<Arc<dyn ConnectionGuard>>,
    /// The idle connections of each node: the start of the server that they belong to, and their last use.
    pub idle: Mutex<Vec<Vec<(u64, Instant)>>>,
}

impl fmt::Debug for SimTransport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SimTransport({})", self.instance)
    }
}

impl SimTransport {
    /// Returns the start of the server that an idle connection belongs to.
    fn idle_connection(&self, node: usize) -> Option<u64> {
        let current = self.world.nodes[node].epoch.load(Ordering::SeqCst);
        let mut idle = self.idle.lock();
        idle[node].retain(|(epoch, used)| *epoch == current && used.elapsed() < IDLE);
        idle[node].pop().map(|(epoch, _)| epoch)
    }

    async fn connect(&self, node: usize, deadline: Instant) -> Result<u64, NodeError> {
        let target = &self.world.nodes[node];
        let limit = deadline.min(Instant::now() + CONNECT);
        if self.world.is_cut_off(self.instance, node) {
            tokio::time::sleep_until(limit).await;
            return Err(NodeError::unreachable(&target.id, "the connection could not be made in time"));
        }
        sleep(Duration::from_micros(300)).await;
        if !target.server.is_running() {
            return Err(NodeError::unreachable(&target.id, "connection refused"));
        }
        let epoch = target.epoch.load(Ordering::SeqCst);
        if let Some(guard) = &self.guard {
            match timeout_at(deadline, guard.admit(&target.id)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(NodeError::unreachable(&target.id, error)),
                Err(_) => return Err(NodeError::unknown(&target.id, "it did not respond in time")),
            }
        }
        Ok(epoch)
    }
}

#[async_trait]
impl Transport for SimTransport {
    async fn send(&self, id: &NodeId, call: Call, deadline: Instant) -> Result<Response, NodeError> {
        self.gate.pass().await;
        let Some(node) = self.world.position(id) else {
            return Err(NodeError::unreachable(id, "it is not configured"));
        };
        let epoch = match self.idle_connection(node) {
            Some(epoch) => epoch,
            None => self.connect(node, deadline).await?,
        };
        self.gate.pass().await;
        let fate = self.world.fate(self.instance, node);
        let (sender, response) = oneshot::channel();
        let name = format!("{}>{node} {call}", self.instance);
        let delivery =
            Delivery { world: Arc::clone(&self.world), node, epoch, fate, name, request: request(call) };
        // The request arrives even if its caller gives up meanwhile.
        tokio::spawn(delivery.run(sender));
        let outcome = timeout_at(deadline, response).await;
        self.gate.pass().await;
        match outcome {
            Ok(Ok(response)) => {
                self.idle.lock()[node].push((epoch, Instant::now()));
                let (parts, body) = response.into_parts();
                Ok(Response { status: parts.status, body: Ok(body) })
            }
            Ok(Err(_)) => Err(NodeError::unknown(id, "the connection was cut")),
            Err(_) => Err(NodeError::unknown(id, "it did not respond in time")),
        }
    }
}

/// A request on its way.
struct Delivery {
    world: Arc<World>,
    node: usize,
    epoch: u64,
    fate: Fate,
    name: String,
    request: http::Request<Bytes>,
}

impl Delivery {
    /// Delivers the request and then the response. Dropping `sender` cuts the connection.
    async fn run(self, sender: oneshot::Sender<http::Response<Bytes>>) {
        let mut sender = Some(sender);
        let Fate { request, twice, response, cut, is_lossy } = self.fate;
        let begun = Instant::now();
        let Some(arrival) = request else {
            // Lost: the caller waits.
            sleep(Duration::from_mins(2)).await;
            return;
        };
        if let Some(cut) = cut.filter(|cut| *cut < arrival) {
            sleep(cut).await;
            drop(sender.take());
        }
        tokio::time::sleep_until(begun + arrival).await;
        let node = &self.world.nodes[self.node];
        if node.epoch.load(Ordering::SeqCst) != self.epoch {
            return;
        }
        let copy = twice.then(|| self.request.clone());
        let request = if is_lossy { without_most_documents(self.request) } else { self.request };
        let Some(answer) = node.server.respond(request) else { return };
        self.world.note(format_args!("{} = {}", self.name, answer.status().as_u16()));
        if let Some(copy) = copy {
            drop(node.server.respond(copy));
            self.world.note("  twice");
        }
        let Some(back) = response else {
            sleep(Duration::from_mins(2)).await;
            return;
        };
        if cut.is_some_and(|cut| cut < arrival + back) {
            return;
        }
        sleep(back).await;
        if node.epoch.load(Ordering::SeqCst) == self.epoch
            && let Some(sender) = sender
        {
            drop(sender.send(answer));
        }
    }
}

/// Returns a request without its documents but the first, if it has documents.
fn without_most_documents(request: http::Request<Bytes>) -> http::Request<Bytes> {
    if !request.uri().path().ends_with("/documents") {
        return request;
    }
    request.map(|body| {
        let end = body.iter().position(|byte| *byte == b'\n').map_or(body.len(), |position| position + 1);
        body.slice(..end)
    })
}

/// Returns the HTTP request of a call.
fn request(call: Call) -> http::Request<Bytes> {
    let mut uri = call.path;
    if !call.query.is_empty() {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&call.query).finish();
        uri = format!("{uri}?{query}");
    }
    let (content_type, body) = match call.body {
        CallBody::Empty => (None, Bytes::new()),
        CallBody::Json(body) => (Some("application/json"), Bytes::from(body.to_string())),
        CallBody::Ndjson(documents) => {
            let mut body = BytesMut::new();
            documents.chunks().for_each(|chunk| body.extend_from_slice(&chunk));
            (Some("application/x-ndjson"), body.freeze())
        }
    };
    let mut request = http::Request::builder()
        .method(call.method)
        .uri(uri)
        .header(http::header::AUTHORIZATION, format!("Bearer {MASTER_KEY}"));
    if let Some(content_type) = content_type {
        request = request.header(http::header::CONTENT_TYPE, content_type);
    }
    #[expect(clippy::expect_used, reason = "the paths of the adapter consist of valid names")]
    request.body(body).expect("a valid request")
}
