//! The `Nodes` port over servers in memory, each call of which can be told to go wrong.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::identity::{NodeFacts, NodeMarker};
use miroir_domain::search::SearchResponse;
use miroir_domain::task::NodeTaskReport;
use miroir_domain::task::marker::marked_by;
use miroir_domain::write::WriteOperation;
use miroir_domain::{NodeId, PhysicalUid, TaskUid};
use miroir_ports::outbound::{
    Clock, NodeError, NodeInspector, NodeRead, NodeSearch, NodeTaskSelection, NodeWrite, Nodes,
};
use serde_json::Value;

use super::server::{Index, Server, error};

/// A fault of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// The node answers with this status and code.
    Refuse(u16, &'static str),
    /// The node is not reached.
    Unreachable,
    /// The node does nothing, and does not respond before the timeout.
    Hang,
    /// The work is done, then nothing is said until the timeout.
    DoAndHang,
    /// The work is done and the answer lost.
    LoseAnswer,
    /// The request is lost on its way; that is all the caller hears.
    LoseRequest,
    /// The node answers 500.
    ServerError,
    /// The node answers a read with this.
    Garbage(Value),
    /// The caller hears nothing until its timeout; the request arrives after that time all the same.
    Late(Duration),
    /// The call takes this long, then goes well.
    Slow(Duration),
}

/// One call as it came in.
#[derive(Debug, Clone)]
pub struct Call {
    pub node: NodeId,
    /// The operation: `write documents-add`, `read search`, `tasks uids`, `probe` and so on.
    pub what: &'static str,
    pub search: Option<NodeSearch>,
    pub tasks: Option<NodeTaskSelection>,
}

struct Rule {
    node: NodeId,
    prefix: &'static str,
    fault: Fault,
    times: usize,
}

type Observer = Arc<dyn Fn(Call) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;
type Work<'a, T> = Box<dyn FnOnce(&mut Server) -> Result<T, NodeError> + 'a>;
type Delay = Box<dyn Fn(&Call, usize) -> Duration + Send + Sync>;

/// All nodes of a test.
pub struct FakeNodes {
    clock: Arc<dyn Clock>,
    servers: Arc<Mutex<BTreeMap<NodeId, Server>>>,
    rules: Mutex<Vec<Rule>>,
    calls: Mutex<Vec<Call>>,
    observer: Mutex<Option<Observer>>,
    delay: Mutex<Option<Delay>>,
    /// The longest response to a read, in bytes.
    max_bytes: AtomicUsize,
}

impl FakeNodes {
    pub fn new(nodes: impl IntoIterator<Item = NodeId>, clock: Arc<dyn Clock>) -> Self {
        let servers = nodes.into_iter().map(|node| (node, Server::default())).collect();
        Self {
            clock,
            servers: Arc::new(Mutex::new(servers)),
            rules: Mutex::default(),
            calls: Mutex::default(),
            observer: Mutex::default(),
            delay: Mutex::default(),
            max_bytes: AtomicUsize::new(usize::MAX),
        }
    }

    /// Responses to reads that are longer than `max_bytes` are not read.
    pub fn limit_responses(&self, max_bytes: usize) {
        self.max_bytes.store(max_bytes, Ordering::Relaxed);
    }

    fn bounded(&self, node: &NodeId, response: Value) -> Result<Value, NodeError> {
        let max_bytes = self.max_bytes.load(Ordering::Relaxed);
        if max_bytes < usize::MAX && response.to_string().len() > max_bytes {
            return Err(NodeError::TooLong { node: node.clone(), max_bytes });
        }
        Ok(response)
    }

    /// The next call to `node` whose name begins with `prefix` goes wrong.
    pub fn once(&self, node: &str, prefix: &'static str, fault: Fault) {
        self.rule(node, prefix, fault, 1);
    }

    /// Every call to `node` whose name begins with `prefix` goes wrong, until [`FakeNodes::heal`].
    pub fn always(&self, node: &str, prefix: &'static str, fault: Fault) {
        self.rule(node, prefix, fault, usize::MAX);
    }

    fn rule(&self, node: &str, prefix: &'static str, fault: Fault, times: usize) {
        self.rules.lock().unwrap().push(Rule { node: node.parse().unwrap(), prefix, fault, times });
    }

    /// Calls to `node` go well again.
    pub fn heal(&self, node: &str) {
        self.rules.lock().unwrap().retain(|rule| rule.node.as_str() != node);
    }

    /// `observer` is awaited inside every call, before anything happens.
    pub fn observe<F: Future<Output = ()> + Send + 'static>(
        &self,
        observer: impl Fn(Call) -> F + Send + Sync + 'static,
    ) {
        *self.observer.lock().unwrap() = Some(Arc::new(move |call| Box::pin(observer(call))));
    }

    /// The delay of each call, by the call and its number.
    pub fn delay(&self, delay: impl Fn(&Call, usize) -> Duration + Send + Sync + 'static) {
        *self.delay.lock().unwrap() = Some(Box::new(delay));
    }

    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// The calls to `node` whose name begins with `prefix`.
    pub fn calls_to(&self, node: &str, prefix: &str) -> Vec<Call> {
        let mut calls = self.calls();
        calls.retain(|call| call.node.as_str() == node && call.what.starts_with(prefix));
        calls
    }

    pub fn forget_calls(&self) {
        self.calls.lock().unwrap().clear();
    }

    pub fn pause(&self, node: &str) {
        self.server(node, |server| server.paused = true);
    }

    pub fn resume(&self, node: &str) {
        let now = self.clock.now();
        self.server(node, |server| {
            server.paused = false;
            server.work(now);
        });
    }

    pub fn server<T>(&self, node: &str, with: impl FnOnce(&mut Server) -> T) -> T {
        with(self.lock().get_mut(&node.parse::<NodeId>().unwrap()).unwrap())
    }

    /// The index on `node`, when it has it.
    pub fn index(&self, node: &str, index: &str) -> Option<Index> {
        self.server(node, |server| server.indexes.get(&index.parse::<PhysicalUid>().unwrap()).cloned())
    }

    /// The indexes on `node`, in order.
    pub fn indexes(&self, node: &str) -> Vec<PhysicalUid> {
        self.server(node, |server| server.indexes.keys().cloned().collect())
    }

    /// The ids of the documents of an index on `node`, in order.
    pub fn ids(&self, node: &str, index: &str) -> Vec<String> {
        self.index(node, index).map(|index| index.documents.into_keys().collect()).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<NodeId, Server>> {
        self.servers.lock().unwrap()
    }

    /// The delay with which a request arrives that its sender has given up.
    fn late(&self, node: &NodeId, what: &str) -> Option<Duration> {
        let rules = self.rules.lock().unwrap();
        let rule = rules
            .iter()
            .find(|rule| rule.times > 0 && rule.node == *node && what.starts_with(rule.prefix))?;
        if let Fault::Late(after) = rule.fault { Some(after) } else { None }
    }

    /// Notes the call, tells the observer, lets the call travel, and says what is to go wrong.
    async fn arrive(&self, call: Call) -> Option<Fault> {
        let number = {
            let mut calls = self.calls.lock().unwrap();
            calls.push(call.clone());
            calls.len()
        };
        let observer = self.observer.lock().unwrap().clone();
        if let Some(observer) = observer {
            observer(call.clone()).await;
        }
        let delay = self.delay.lock().unwrap().as_ref().map(|delay| delay(&call, number));
        if let Some(delay) = delay {
            tokio::time::sleep(delay).await;
        }
        let mut rules = self.rules.lock().unwrap();
        let applies =
            |rule: &&mut Rule| rule.times > 0 && rule.node == call.node && call.what.starts_with(rule.prefix);
        let rule = rules.iter_mut().find(applies)?;
        rule.times -= 1;
        Some(rule.fault.clone())
    }

    async fn answer<T>(
        &self,
        call: Call,
        timeout: Duration,
        garbage: impl FnOnce(Value) -> Option<T>,
        work: impl FnOnce(&mut Server) -> Result<T, NodeError>,
    ) -> Result<T, NodeError> {
        let node = call.node.clone();
        let unknown = |reason: &str| NodeError::unknown(&node, reason);
        let done = |work: Work<'_, T>| {
            let mut servers = self.lock();
            let server = servers.get_mut(&node).expect("the cluster asks its own nodes only");
            work(server)
        };
        match self.arrive(call).await {
            None => done(Box::new(work)),
            Some(Fault::Slow(time)) => {
                if time >= timeout {
                    tokio::time::sleep(timeout).await;
                    return Err(unknown("timed out"));
                }
                tokio::time::sleep(time).await;
                done(Box::new(work))
            }
            Some(Fault::Refuse(status, code)) => Err(NodeError::Refused {
                node: node.clone(),
                status,
                error: error(code, format!("refused with {code}")),
            }),
            Some(Fault::Unreachable) => Err(NodeError::unreachable(&node, "connection refused")),
            Some(Fault::Hang | Fault::Late(_)) => {
                tokio::time::sleep(timeout).await;
                Err(unknown("timed out"))
            }
            Some(Fault::DoAndHang) => {
                // Whether the node refused it in the end is not heard either.
                let _ = done(Box::new(work));
                tokio::time::sleep(timeout).await;
                Err(unknown("timed out"))
            }
            Some(Fault::LoseAnswer) => {
                let _ = done(Box::new(work));
                Err(unknown("connection reset"))
            }
            Some(Fault::LoseRequest) => Err(unknown("connection reset")),
            Some(Fault::ServerError) => Err(unknown("it answered 500")),
            Some(Fault::Garbage(value)) => garbage(value).ok_or_else(|| unknown("it answered garbage")),
        }
    }
}

fn name_of_write(operation: &WriteOperation) -> &'static str {
    match operation {
        WriteOperation::DocumentsAdd { .. } => "write documents-add",
        WriteOperation::DocumentsDelete(_) => "write documents-delete",
        WriteOperation::DocumentsDeleteByFilter(_) => "write documents-filter",
        WriteOperation::DocumentsDeleteAll => "write documents-clear",
        WriteOperation::IndexCreate { .. } => "write index-create",
        WriteOperation::IndexDelete => "write index-delete",
        WriteOperation::Settings(_) => "write settings",
    }
}

fn name_of_read(read: &NodeRead) -> &'static str {
    match read {
        NodeRead::Version => "read version",
        NodeRead::IndexList { .. } => "read indexes",
        NodeRead::Index(_) => "read index",
        NodeRead::Stats(_) => "read stats",
        NodeRead::AllStats => "read all stats",
        NodeRead::Settings(..) => "read settings",
        NodeRead::Document(..) => "read document",
        NodeRead::Documents(_, body) if body.contains_key("ids") => "read by ids",
        NodeRead::Documents(..) => "read listing",
    }
}

fn call(node: &NodeId, what: &'static str) -> Call {
    Call { node: node.clone(), what, search: None, tasks: None }
}

#[async_trait]
impl Nodes for FakeNodes {
    async fn node_write(&self, node: &NodeId, write: NodeWrite, timeout: Duration) -> Result<u32, NodeError> {
        let late = self.late(node, name_of_write(&write.operation));
        if let Some(after) = late {
            let (servers, clock, node_id, write) =
                (Arc::clone(&self.servers), Arc::clone(&self.clock), node.clone(), write.clone());
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                servers.lock().unwrap().get_mut(&node_id).unwrap().enqueue(write, clock.now());
            });
        }
        let what = name_of_write(&write.operation);
        let call = call(node, what);
        let clock = Arc::clone(&self.clock);
        self.answer(call, timeout, |_| None, move |server| Ok(server.enqueue(write, clock.now()))).await
    }

    async fn node_read(&self, node: &NodeId, read: NodeRead, timeout: Duration) -> Result<Value, NodeError> {
        let call = call(node, name_of_read(&read));
        let work = |server: &mut Server| {
            let refused = |(status, error)| NodeError::Refused { node: node.clone(), status, error };
            server.read(&read).map_err(refused).and_then(|response| self.bounded(node, response))
        };
        self.answer(call, timeout, Some, work).await
    }

    async fn node_search(
        &self,
        node: &NodeId,
        search: NodeSearch,
        timeout: Duration,
    ) -> Result<SearchResponse, NodeError> {
        let call = Call { search: Some(search.clone()), ..call(node, "read search") };
        let read = |value| serde_json::from_value(value).ok();
        let work = |server: &mut Server| match server.search(&search) {
            Ok(answer) => Ok(read(self.bounded(node, answer)?).expect("the fake answers as a server does")),
            Err((status, error)) => Err(NodeError::Refused { node: node.clone(), status, error }),
        };
        self.answer(call, timeout, read, work).await
    }

    async fn node_tasks(
        &self,
        node: &NodeId,
        selection: NodeTaskSelection,
        timeout: Duration,
    ) -> Result<Vec<NodeTaskReport>, NodeError> {
        let what = match &selection {
            NodeTaskSelection::Uids(_) => "tasks uids",
            NodeTaskSelection::IndexSince(..) => "tasks since",
        };
        let call = Call { tasks: Some(selection.clone()), ..call(node, what) };
        let work = |server: &mut Server| {
            let mut reports = server.reports();
            reports.retain(|report| match &selection {
                NodeTaskSelection::Uids(uids) => uids.contains(&report.uid),
                NodeTaskSelection::IndexSince(index, since) => {
                    report.index_uid.as_deref() == Some(index.as_str()) && report.enqueued_at > *since
                }
            });
            Ok(reports)
        };
        self.answer(call, timeout, |_| None, work).await
    }
}

#[async_trait]
impl NodeInspector for FakeNodes {
    async fn node_inspect(
        &self,
        node: &NodeId,
        remembered: Option<u32>,
        timeout: Duration,
    ) -> Result<NodeFacts, NodeError> {
        self.answer(call(node, "probe"), timeout, |_| None, |server| Ok(server.facts(remembered))).await
    }

    async fn node_mark(
        &self,
        node: &NodeId,
        marker: &NodeMarker,
        timeout: Duration,
    ) -> Result<(), NodeError> {
        let mark = |server: &mut Server| {
            server.marker = Some(marker.to_string());
            Ok(())
        };
        self.answer(call(node, "mark"), timeout, |_| None, mark).await
    }

    async fn node_newest_write(
        &self,
        node: &NodeId,
        timeout: Duration,
    ) -> Result<Option<TaskUid>, NodeError> {
        let newest = |server: &mut Server| {
            let markers = server.reports().into_iter().filter_map(|task| marked_by(&task.custom_metadata?));
            Ok(markers.max())
        };
        self.answer(call(node, "newest write"), timeout, |_| None, newest).await
    }

    async fn node_indexes(&self, node: &NodeId, timeout: Duration) -> Result<Vec<PhysicalUid>, NodeError> {
        let list = |server: &mut Server| Ok(server.indexes.keys().cloned().collect());
        self.answer(call(node, "list indexes"), timeout, |_| None, list).await
    }

    async fn node_delete_index(
        &self,
        node: &NodeId,
        index: &PhysicalUid,
        timeout: Duration,
    ) -> Result<(), NodeError> {
        let delete = |server: &mut Server| {
            server.indexes.remove(index);
            Ok(())
        };
        self.answer(call(node, "delete index"), timeout, |_| None, delete).await
    }
}
