//! A whole Miroir over fake nodes: services, workers, and a process that can be killed.

use std::collections::HashMap;
use std::future::Future;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use miroir_core::alias::AliasResolver;
use miroir_core::change::{
    ChangeRecorder, Deliverer, Delivery, Feed, FeedOptions, RecorderOptions, SinkHandle, SinkRules,
    SinkService, deliver_loop,
};
use miroir_core::cluster::{Activation, ActiveCluster, Cluster, ClusterParts, RepairOptions, SearchPolicy};
use miroir_core::identity::{KnownIdentity, NodeChecker, StoreIdentity, probe_loop};
use miroir_core::node::{HealthTracker, NodePool, Timeouts};
use miroir_core::placement::Placements;
use miroir_core::registry::LastKnown;
use miroir_core::service::{
    AliasService, DocumentService, IndexService, SearchService, SettingsService, TaskService,
};
use miroir_core::worker::{PollerOptions, load_states, poll_loop, repair_loop};
use miroir_domain::health::HealthThresholds;
use miroir_domain::identity::{AcceptedTopology, ClusterId, ClusterRow, Incarnation, NodeMarker, NodeRow};
use miroir_domain::payload::PayloadFormat;
use miroir_domain::task::{Task, TaskStatus};
use miroir_domain::topology::{Node, Topology};
use miroir_domain::write::WriteMode;
use miroir_domain::{GroupId, InvalidId, NodeId, PhysicalUid, TaskUid, Timestamp};
use miroir_fault::FaultyStore;
use miroir_memory::MemoryStore;
use miroir_ports::inbound::{Accepted, ApiError, DocumentApi, DocumentWrite};
use miroir_ports::outbound::{
    Clock, IndexTable, NodeError, NodeOperation, Nodes, Observer, TaskStore, TaskTable,
};
use miroir_system::{KeySealer, UuidIds};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::fake::FakeNodes;
use super::store::{Life, while_alive};

/// The layout of a test's cluster.
#[derive(Clone)]
pub struct Layout {
    /// The names of the nodes, group by group.
    pub groups: Vec<Vec<&'static str>>,
    pub replication_factor: u32,
    pub write_quorum: Option<u32>,
    pub shard_count: u32,
    pub search_policy: SearchPolicy,
    /// The sinks. Those without a delivery are feeds.
    pub sinks: Vec<(SinkRules, Option<Delivery>)>,
    /// The budget of the outbox of each.
    pub outbox_bytes: u64,
    /// The time for which a task that a node missed waits for the other instances.
    pub known_everywhere: Duration,
    pub repair: RepairOptions,
    pub observer: Option<Arc<dyn Observer>>,
    /// The keys that seal the keys of embedders.
    pub sealing_keys: Vec<&'static str>,
}

impl Layout {
    /// One group.
    pub fn group(nodes: &[&'static str], replication_factor: u32) -> Self {
        Self::groups(&[nodes], replication_factor)
    }

    pub fn groups(groups: &[&[&'static str]], replication_factor: u32) -> Self {
        Self {
            groups: groups.iter().map(|nodes| nodes.to_vec()).collect(),
            replication_factor,
            write_quorum: None,
            shard_count: 8,
            search_policy: SearchPolicy::Partial,
            sinks: Vec::new(),
            outbox_bytes: 1 << 20,
            known_everywhere: Duration::ZERO,
            repair: RepairOptions::default(),
            observer: None,
            sealing_keys: vec!["key of the bench"],
        }
    }

    /// Returns the layout with another sink.
    #[must_use]
    pub fn with_sink(mut self, rules: SinkRules, delivery: impl Into<Option<Delivery>>) -> Self {
        self.sinks.push((rules, delivery.into()));
        self
    }

    /// Returns the layout with these sealing keys.
    #[must_use]
    pub fn sealed_with(self, sealing_keys: &[&'static str]) -> Self {
        Self { sealing_keys: sealing_keys.to_vec(), ..self }
    }

    fn recorder(&self) -> ChangeRecorder {
        let sinks = self.sinks.iter().cloned();
        let sinks = sinks.map(|(rules, delivery)| Arc::new(SinkHandle::new(rules, delivery, Arc::new(()))));
        let options = RecorderOptions { source: "bench".to_owned(), budget_bytes: self.outbox_bytes };
        ChangeRecorder::new(options, sinks.collect(), Arc::default())
    }

    fn topology(&self) -> Topology {
        let nodes = (0..).zip(&self.groups).flat_map(|(group, names)| {
            names.iter().map(move |name| Node { id: name.parse().unwrap(), group: GroupId(group) })
        });
        Topology::new(nodes.collect(), self.replication_factor, self.write_quorum).unwrap()
    }
}

/// The time of the runtime, which tests pause, and may set back.
pub struct RuntimeClock {
    begin: Instant,
    /// How far it was set back, in milliseconds.
    behind: AtomicI64,
}

impl RuntimeClock {
    /// A clock that begins now.
    pub fn new() -> Self {
        Self { begin: Instant::now(), behind: AtomicI64::new(0) }
    }
}

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        let begin = Timestamp::from_millis(1_700_000_000_000 - self.behind.load(Ordering::Relaxed));
        begin.plus(self.begin.elapsed())
    }
}

/// The nodes as one process sees them.
struct MortalNodes {
    inner: Arc<dyn Nodes>,
    alive: watch::Receiver<bool>,
}

impl MortalNodes {
    async fn call<T>(
        &self,
        _: &NodeId,
        _: NodeOperation,
        call: impl Future<Output = Result<T, NodeError>> + Send,
    ) -> Result<T, NodeError> {
        while_alive(&self.alive, call).await
    }
}

miroir_ports::wrap_nodes!(MortalNodes);

/// One running Miroir, and the world it runs in.
pub struct Bench {
    layout: Layout,
    clock: Arc<RuntimeClock>,
    pub nodes: Arc<FakeNodes>,
    pub rows: Arc<MemoryStore>,
    pub faults: Arc<Life>,
    pub cluster: Arc<Cluster>,
    pub checker: Arc<NodeChecker>,
    activation: Option<Activation>,
    /// The number of the leader's term.
    pub term: u64,
    alive: watch::Sender<bool>,
    shutdown: CancellationToken,
    pub document: Arc<DocumentService>,
    pub index: Arc<IndexService>,
    pub settings: Arc<SettingsService>,
    pub search: Arc<SearchService>,
    pub task: Arc<TaskService>,
    pub aliases: Arc<AliasResolver>,
    pub alias: Arc<AliasService>,
    pub sinks: Arc<SinkService>,
    pub feed: Arc<Feed>,
}

/// Returns the name or the physical uid of an index.
pub fn uid<T: FromStr<Err = InvalidId>>(name: &str) -> T {
    name.parse().unwrap()
}

/// Documents `from..to` with an id, a title and one of three genres.
pub fn films(from: u32, to: u32) -> Value {
    let film = |id| json!({ "id": id, "title": format!("film {id}"), "genre": format!("g{}", id % 3) });
    (from..to).map(film).collect()
}

/// Returns a checker of nodes, each of which has a marker that it knows.
fn checker(nodes: &Arc<FakeNodes>, health: &Arc<HealthTracker>, now: Timestamp) -> NodeChecker {
    let cluster: ClusterId = "bench".parse().unwrap();
    let incarnation: Incarnation = "first".parse().unwrap();
    let mut rows = Vec::new();
    for node in health.nodes() {
        let marker =
            NodeMarker { cluster: cluster.clone(), node: node.clone(), incarnation: incarnation.clone() };
        nodes.server(node.as_str(), |server| server.marker.get_or_insert_with(|| marker.to_string()).clone());
        let incarnation = Some(incarnation.clone());
        rows.push(NodeRow { node: node.clone(), incarnation, newest_task: None, updated_at: now });
    }
    let identity = Arc::new(KnownIdentity::default());
    let row = ClusterRow { id: cluster, epoch: 1, topology: AcceptedTopology::default(), version: 1 };
    identity.replace(StoreIdentity::Known(row), rows);
    NodeChecker::new(Arc::clone(nodes) as _, identity, Arc::clone(health), Duration::from_secs(1))
}

impl Bench {
    /// Services without workers.
    pub fn idle(layout: Layout) -> Self {
        let nodes: Vec<NodeId> = layout.topology().nodes().cloned().collect();
        // The clocks of the nodes are others than that of the process.
        let nodes = Arc::new(FakeNodes::new(nodes, Arc::new(RuntimeClock::new())));
        Self::over(layout, Arc::new(RuntimeClock::new()), nodes, Arc::new(MemoryStore::new()))
    }

    /// Services and workers.
    pub fn running(layout: Layout) -> Self {
        let bench = Self::idle(layout);
        bench.start_workers();
        bench
    }

    /// Sets the clock of the process back.
    pub fn set_clock_back(&self, time: Duration) {
        self.clock.behind.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
    }

    fn over(
        layout: Layout,
        runtime_clock: Arc<RuntimeClock>,
        nodes: Arc<FakeNodes>,
        rows: Arc<MemoryStore>,
    ) -> Self {
        let clock: Arc<dyn Clock> = Arc::clone(&runtime_clock) as _;
        let (alive, is_alive) = watch::channel(true);
        let topology = layout.topology();
        let health = Arc::new(HealthTracker::new(
            topology.nodes().cloned().collect::<Vec<_>>(),
            HealthThresholds::default(),
            Arc::clone(&clock),
        ));
        for node in topology.nodes() {
            health.record(node, Ok(()));
        }
        let mortal = MortalNodes { inner: nodes.clone(), alive: is_alive.clone() };
        let timeouts = Timeouts {
            write: Duration::from_secs(30),
            read: Duration::from_secs(5),
            search: Duration::from_secs(10),
        };
        let checker = Arc::new(checker(&nodes, &health, clock.now()));
        let pool = NodePool::new(Arc::new(mortal), health, HashMap::new(), timeouts);
        let faults = Arc::new(Life::new(is_alive));
        let last_known = Arc::new(LastKnown::new(Duration::ZERO, Arc::default()));
        let store: Arc<dyn TaskStore> =
            Arc::new(FaultyStore::new(Arc::clone(&rows) as _, Arc::clone(&faults) as _));
        let cluster = Arc::new(Cluster::new(ClusterParts {
            observer: layout.observer.clone().unwrap_or_else(|| Arc::new(())),
            repair: layout.repair,
            changes: Arc::new(layout.recorder()),
            reported: Arc::default(),
            last_known: Arc::clone(&last_known),
            placements: Placements::new(Arc::new(topology), layout.shard_count),
            nodes: pool,
            store,
            clock: Arc::clone(&clock),
            search_policy: layout.search_policy,
            sealer: Arc::new(KeySealer::new(layout.sealing_keys.iter().copied())),
        }));
        let aliases = Arc::new(AliasResolver::new(Arc::clone(&cluster.store), Arc::clone(&last_known)));
        let active = Arc::new(ActiveCluster::new(Arc::clone(&cluster)));
        let activation = active.activate(Arc::clone(&cluster));
        let (used, names) = (|| Arc::clone(&active), || Arc::clone(&aliases));
        let shutdown = CancellationToken::new();
        let (store, changes) = (&cluster.store, &cluster.changes);
        let options = FeedOptions { longest_wait: Duration::from_secs(30) };
        let feed = Feed::new(Arc::clone(store), Arc::clone(changes), options, shutdown.clone());
        let sinks = SinkService::new(Arc::clone(store), Arc::clone(&clock), Arc::clone(changes));
        Self {
            feed: Arc::new(feed),
            sinks: Arc::new(sinks),
            alias: Arc::new(AliasService::new(used(), names())),
            document: Arc::new(DocumentService::new(used(), names())),
            index: Arc::new(IndexService::new(used(), names())),
            settings: Arc::new(SettingsService::new(used(), names())),
            search: Arc::new(SearchService::new(used(), names())),
            task: Arc::new(TaskService::new(Arc::clone(&cluster.store), names())),
            aliases,
            shutdown,
            layout,
            clock: runtime_clock,
            nodes,
            rows,
            faults,
            cluster,
            checker,
            activation: Some(activation),
            term: 1,
            alive,
        }
    }

    pub fn start_poller(&self) {
        let options = PollerOptions {
            shortest_pause: Duration::from_millis(25),
            longest_pause: Duration::from_millis(200),
            known_everywhere: self.layout.known_everywhere,
        };
        tokio::spawn(poll_loop(Arc::clone(&self.cluster), options, self.shutdown.clone()));
    }

    fn start_workers(&self) {
        self.start_poller();
        self.start_deliveries();
        let (cluster, shutdown) = (Arc::clone(&self.cluster), self.shutdown.clone());
        let term = self.term;
        tokio::spawn(async move {
            load_states(&cluster).await.unwrap();
            repair_loop(cluster, term, Arc::new(|| true), shutdown).await;
        });
        let stopped = self.shutdown.clone().cancelled_owned();
        tokio::spawn(probe_loop(Arc::clone(&self.checker), Duration::from_secs(5), stopped));
    }

    fn start_deliveries(&self) {
        for sink in &self.cluster.changes.sinks {
            let Some(delivery) = sink.delivery.clone() else { continue };
            let deliverer = Deliverer::new(
                Arc::clone(&self.cluster.store),
                Arc::clone(&self.clock) as _,
                Arc::new(UuidIds::default()),
                Arc::clone(&self.cluster.changes),
                Arc::clone(sink),
                delivery,
            );
            tokio::spawn(deliver_loop(deliverer, self.shutdown.clone()));
        }
    }

    /// Kills the process: it gets no more responses from store and nodes, and they get no more calls from it.
    pub fn kill(&self) {
        self.alive.send_replace(false);
        self.shutdown.cancel();
    }

    /// Ends the term of the leader: the services have a cluster for reads alone.
    pub fn end_term(&mut self) {
        self.activation = None;
    }

    /// Asks all workers to stop, as when the server stops.
    pub fn stop(&self) {
        self.shutdown.cancel();
    }

    /// Kills the process and starts another over the same store and nodes, all workers running.
    pub fn restarted(self) -> Self {
        let next = self.restarted_without_workers();
        next.start_workers();
        next
    }

    /// Kills the process and starts another over the same store and nodes.
    pub fn restarted_without_workers(self) -> Self {
        self.kill();
        let term = self.term + 1;
        let next = Self::over(self.layout.clone(), self.clock.clone(), self.nodes.clone(), self.rows.clone());
        Self { term, ..next }
    }

    /// Kills the process and starts another with other sealing keys, all workers running.
    pub fn restarted_with_keys(mut self, sealing_keys: &[&'static str]) -> Self {
        self.layout.sealing_keys = sealing_keys.to_vec();
        self.restarted()
    }

    /// Kills the process and starts another with another replication factor, all workers running.
    pub fn restarted_with_factor(mut self, replication_factor: u32) -> Self {
        self.layout.replication_factor = replication_factor;
        self.restarted()
    }

    /// Returns the active cluster, for services that a test makes.
    pub fn active(&self) -> Arc<ActiveCluster> {
        Arc::new(ActiveCluster::new(Arc::clone(&self.cluster)))
    }

    /// Revives a node, and waits until Miroir has noticed.
    pub async fn revive(&self, node: &str) {
        self.nodes.heal(node);
        let node: NodeId = node.parse().unwrap();
        for _ in 0..HealthThresholds::default().good_to_recover {
            self.checker.check(&node).await.unwrap();
        }
    }

    /// Makes a node unreachable, and waits until Miroir has noticed.
    pub async fn fell(&self, node: &str) {
        self.nodes.always(node, "", super::Fault::Unreachable);
        let node: NodeId = node.parse().unwrap();
        for _ in 0..HealthThresholds::default().bad_to_fail {
            self.checker.check(&node).await.unwrap_err();
        }
    }

    pub async fn write(&self, index: &str, documents: Value) -> Result<Accepted, ApiError> {
        self.document.documents_write(additions(index, &documents)).await
    }

    pub async fn update(&self, index: &str, documents: Value) -> Result<Accepted, ApiError> {
        self.document.documents_write(changes(index, &documents, WriteMode::Update)).await
    }

    /// Writes, waits for the end of the task, and checks that it succeeded.
    pub async fn written(&self, index: &str, documents: Value) -> Task {
        let accepted = self.write(index, documents).await.unwrap();
        self.succeeded(accepted.summary.task_uid).await
    }

    pub async fn row(&self, uid: u32) -> Task {
        self.rows.task_get(TaskUid(uid)).await.unwrap().unwrap()
    }

    pub async fn has_row(&self, uid: u32) -> bool {
        self.rows.task_get(TaskUid(uid)).await.unwrap().is_some()
    }

    pub async fn finished(&self, uid: TaskUid) -> Task {
        let deadline = Instant::now() + Duration::from_mins(5);
        loop {
            let task = self.row(uid.0).await;
            if task.status.is_finished() {
                return task;
            }
            assert!(Instant::now() < deadline, "the task does not end: {task:#?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub async fn succeeded(&self, uid: TaskUid) -> Task {
        let task = self.finished(uid).await;
        assert_eq!(task.status, TaskStatus::Succeeded, "{task:#?}");
        task
    }

    /// Waits until the replica of `index` on `node` is in sync.
    pub async fn repaired(&self, index: &str, node: &str) {
        let (index, node): (PhysicalUid, NodeId) = (uid(index), node.parse().unwrap());
        self.until("the node is repaired", || !self.cluster.replicas.is_stale(&index, &node)).await;
    }

    pub fn is_stale(&self, index: &str, node: &str) -> bool {
        self.cluster.replicas.is_stale(&uid(index), &node.parse().unwrap())
    }

    pub async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_mins(5);
        while !holds() {
            assert!(Instant::now() < deadline, "never: {what}; stale: {:?}", self.cluster.replicas.rows());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub async fn entry(&self, index: &str) -> Option<miroir_domain::index::IndexEntry> {
        self.rows.index_get(&uid(index)).await.unwrap()
    }

    /// The uid under which the nodes keep the index that has the name `index` now.
    pub async fn physical(&self, index: &str) -> String {
        self.entry(index).await.expect("the index exists").physical_uid.to_string()
    }

    /// The documents a node must have of `films(0, count)`, by id, in order.
    pub fn share(&self, node: &str, count: u32) -> Vec<String> {
        let placement = self.cluster.placements.of(self.layout.shard_count);
        let shards = placement.shards_of(&node.parse().unwrap());
        let kept =
            |id: &String| shards.contains(miroir_domain::placement::shard_of(id, self.layout.shard_count));
        let mut ids: Vec<String> = (0..count).map(|id| id.to_string()).filter(kept).collect();
        ids.sort();
        ids
    }
}

/// A request to add `documents`.
pub fn additions(index: &str, documents: &Value) -> DocumentWrite {
    changes(index, documents, WriteMode::Replace)
}

fn changes(index: &str, documents: &Value, mode: WriteMode) -> DocumentWrite {
    DocumentWrite {
        index: uid(index),
        primary_key: None,
        mode,
        format: PayloadFormat::Json,
        body: documents.to_string().into(),
        custom_metadata: None,
    }
}
