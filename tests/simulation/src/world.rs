//! The world outside of the instances: nodes, the data of the store, time, and the log of the history.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use miroir_devnode::{DevNodeOptions, LocalNode, NodeClock};
use miroir_domain::{NodeId, Timestamp};
use miroir_memory::MemoryStore;
use miroir_ports::outbound::{Clock, Ids, Observer, Occurrence, RepairStep};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::plan::{Losses, Plan, Shape, TroubleKind, node_id};
use crate::random::Random;

/// The instant at which every history begins, in milliseconds since 1970.
const BEGIN: i64 = 1_800_000_000_000;

/// The key of every node.
pub const MASTER_KEY: &str = "a key of the simulated nodes";

/// One simulated node.
pub struct SimNode {
    /// Its name.
    pub id: NodeId,
    /// The server behind its address.
    pub server: LocalNode,
    /// The number of starts of the server. A connection belongs to one of them.
    pub epoch: AtomicU64,
    /// The difference of its clock, in milliseconds.
    pub clock_offset: Arc<AtomicI64>,
}

/// A disturbance of the network between an instance and a node, until it ends.
#[derive(Debug, Clone)]
pub struct Trouble {
    /// The node, or all.
    pub node: Option<usize>,
    /// The instance, or all.
    pub instance: Option<usize>,
    /// The kind.
    pub kind: TroubleKind,
    /// The end.
    pub until: Instant,
}

/// The world.
pub struct World {
    /// The size of the cluster.
    pub shape: Shape,
    /// The nodes.
    pub nodes: Vec<SimNode>,
    /// The data of the task store.
    pub store: MemoryStore,
    /// False while the store does not respond.
    pub store_is_up: AtomicBool,
    /// True once all faults are over.
    pub is_calm: AtomicBool,
    /// The losses that the plan allows.
    pub losses: Losses,
    start: Instant,
    state: Mutex<State>,
    ids: AtomicU64,
}

struct State {
    log: String,
    random: Random,
    troubles: Vec<Trouble>,
    step: RepairStep,
    /// The faults in progress, by kind.
    active: BTreeMap<&'static str, u32>,
    /// The steps of repair that were reached while a fault was in progress or had just happened.
    reached: BTreeSet<(&'static str, RepairStep)>,
    /// The step at which the leader is to be crashed.
    trap: Option<RepairStep>,
    crash: Arc<tokio::sync::Notify>,
}

/// The fate of one exchange.
#[derive(Debug, Clone, Copy)]
pub struct Fate {
    /// The time until the request arrives, or `None` if it is lost.
    pub request: Option<Duration>,
    /// True if it arrives twice.
    pub twice: bool,
    /// The time until the response is back, or `None` if it is lost.
    pub response: Option<Duration>,
    /// The time after which the connection is cut, if it is.
    pub cut: Option<Duration>,
    /// True if the node loses all documents of the request but the first.
    pub is_lossy: bool,
}

impl World {
    /// Creates the world of a history, with all nodes running.
    pub fn new(plan: &Plan) -> Arc<Self> {
        let (seed, shape) = (plan.seed, plan.shape);
        let start = Instant::now();
        let nodes = (0..shape.nodes)
            .map(|number| {
                let clock_offset = Arc::new(AtomicI64::new(0));
                let offset = Arc::clone(&clock_offset);
                let clock = NodeClock::new(move || millis_since(start) + offset.load(Ordering::Relaxed));
                let server = LocalNode::new(DevNodeOptions {
                    master_key: Some(MASTER_KEY.to_owned()),
                    task_delay: Duration::from_millis(10),
                    clock: Some(clock),
                    ..DevNodeOptions::default()
                });
                server.start();
                let id = node_id(number);
                SimNode { id, server, epoch: AtomicU64::new(1), clock_offset }
            })
            .collect();
        let state = State {
            log: String::new(),
            random: Random::new(seed, 1),
            troubles: Vec::new(),
            step: RepairStep::Idle,
            active: BTreeMap::new(),
            reached: BTreeSet::new(),
            trap: None,
            crash: Arc::default(),
        };
        Arc::new(Self {
            shape,
            nodes,
            store: MemoryStore::new(),
            store_is_up: AtomicBool::new(true),
            is_calm: AtomicBool::new(false),
            losses: plan.losses,
            start,
            state: Mutex::new(state),
            ids: AtomicU64::new(0),
        })
    }

    /// Returns the time since the begin of the history.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Returns the time of day, as clocks show it that were not moved.
    pub fn millis(&self) -> i64 {
        millis_since(self.start)
    }

    /// Adds a line to the log.
    pub fn note(&self, line: impl std::fmt::Display) {
        let at = self.start.elapsed();
        let mut state = self.state.lock();
        // Writing to a string does not fail.
        let _ = writeln!(state.log, "{:>7}.{:03} {line}", at.as_secs(), at.subsec_millis());
    }

    /// Takes the log.
    pub fn take_log(&self) -> String {
        std::mem::take(&mut self.state.lock().log)
    }

    /// Returns the position of a node.
    pub fn position(&self, node: &NodeId) -> Option<usize> {
        self.nodes.iter().position(|one| one.id == *node)
    }

    /// Adds a disturbance of the network.
    pub fn disturb(&self, trouble: Trouble) {
        self.state.lock().troubles.push(trouble);
    }

    /// Ends all disturbances.
    pub fn calm(&self) {
        self.is_calm.store(true, Ordering::SeqCst);
        self.store_is_up.store(true, Ordering::SeqCst);
        let mut state = self.state.lock();
        state.troubles.clear();
        state.trap = None;
        for node in &self.nodes {
            node.server.pause_tasks(false);
        }
    }

    /// Returns whether nothing passes between an instance and a node.
    pub fn is_cut_off(&self, instance: usize, node: usize) -> bool {
        self.state.lock().troubles_of(instance, node).any(|kind| kind == TroubleKind::Blackhole)
    }

    /// Returns a delay of a call to the store or to another instance.
    pub fn store_delay(&self) -> Duration {
        match self.state.lock().random.within(0..8) {
            0 => Duration::from_millis(2),
            1 | 2 => Duration::from_millis(1),
            _ => Duration::ZERO,
        }
    }

    /// Decides about an exchange between an instance and a node.
    pub fn fate(&self, instance: usize, node: usize) -> Fate {
        let calm = self.is_calm.load(Ordering::SeqCst);
        let mut state = self.state.lock();
        let kinds: Vec<TroubleKind> = state.troubles_of(instance, node).collect();
        let random = &mut state.random;
        let mut fate = Fate {
            request: Some(Duration::from_micros(random.within(200..3_000))),
            twice: !calm && random.one_in(500),
            response: Some(Duration::from_micros(random.within(200..3_000))),
            cut: None,
            is_lossy: self.losses == Losses::Silent && random.one_in(10),
        };
        for kind in kinds {
            match kind {
                TroubleKind::Blackhole => fate.request = None,
                TroubleKind::LostResponses if random.one_in(2) => fate.response = None,
                TroubleKind::Cuts if random.one_in(3) => {
                    fate.cut = Some(Duration::from_micros(random.within(200..6_000)));
                }
                TroubleKind::Late if random.one_in(4) => {
                    fate.request = Some(Duration::from_millis(random.within(100..8_000)));
                    if random.one_in(2) {
                        fate.cut = Some(Duration::from_millis(random.within(1..200)));
                    }
                }
                TroubleKind::Slow => {
                    fate.request = Some(Duration::from_millis(random.within(1..150)));
                    fate.response = Some(Duration::from_millis(random.within(1..150)));
                }
                TroubleKind::Duplicates if random.one_in(3) => fate.twice = true,
                _ => {}
            }
        }
        fate
    }

    /// Notes that a fault of this kind begins. The step of repair in progress counts as reached.
    pub fn begin_fault(&self, kind: &'static str) {
        let mut state = self.state.lock();
        *state.active.entry(kind).or_default() += 1;
        let step = state.step;
        state.reached.insert((kind, step));
    }

    /// Notes that a fault of this kind has ended.
    pub fn end_fault(&self, kind: &'static str) {
        if let Some(count) = self.state.lock().active.get_mut(kind) {
            *count = count.saturating_sub(1);
        }
    }

    /// Returns the kinds of faults with the steps of repair that were reached while they lasted.
    pub fn reached(&self) -> BTreeSet<(&'static str, RepairStep)> {
        self.state.lock().reached.clone()
    }

    /// Crashes the leader when repair reaches `step` next.
    pub fn set_trap(&self, step: RepairStep) {
        self.state.lock().trap = Some(step);
    }

    /// Returns the notifier of a leader that is to be crashed.
    pub fn crash(&self) -> Arc<tokio::sync::Notify> {
        Arc::clone(&self.state.lock().crash)
    }

    /// Replaces the server behind two addresses by each other.
    pub fn next_epoch(&self, node: usize) {
        self.nodes[node].epoch.fetch_add(1, Ordering::SeqCst);
    }
}

impl State {
    fn troubles_of(&mut self, instance: usize, node: usize) -> impl Iterator<Item = TroubleKind> + '_ {
        let now = Instant::now();
        self.troubles.retain(|trouble| trouble.until > now);
        self.troubles
            .iter()
            .filter(move |trouble| {
                trouble.node.is_none_or(|other| other == node)
                    && trouble.instance.is_none_or(|other| other == instance)
            })
            .map(|trouble| trouble.kind)
    }
}

fn millis_since(start: Instant) -> i64 {
    BEGIN + i64::try_from(start.elapsed().as_millis()).unwrap_or(0)
}

/// The clock of an instance.
pub struct SimClock {
    /// The world.
    pub world: Arc<World>,
    /// The difference to the time of day, in milliseconds.
    pub offset: Arc<AtomicI64>,
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.world.millis() + self.offset.load(Ordering::Relaxed))
    }
}

/// Ids that count.
pub struct SimIds(pub Arc<World>);

impl Ids for SimIds {
    fn unique_id(&self) -> String {
        format!("id-{:08}", self.0.ids.fetch_add(1, Ordering::SeqCst))
    }
}

/// The observer of an instance, which notes the steps of repair.
pub struct SimObserver(pub Arc<World>);

impl Observer for SimObserver {
    fn observe(&self, occurrence: Occurrence<'_>) {
        let Occurrence::RepairReached(step) = occurrence else { return };
        let mut state = self.0.state.lock();
        state.step = step;
        let active: Vec<&'static str> =
            state.active.iter().filter(|(_, count)| **count > 0).map(|(kind, _)| *kind).collect();
        for kind in active {
            state.reached.insert((kind, step));
        }
        if state.trap == Some(step) {
            state.trap = None;
            state.reached.insert(("crash in repair", step));
            state.crash.notify_one();
        }
    }
}
