//! The plan of a history: what clients ask for and what goes wrong, each at its time.

use miroir_domain::identity::{AcceptedNode, AcceptedTopology};
use miroir_domain::topology::{Node, Topology};
use miroir_domain::{GroupId, NodeId};
use miroir_ports::outbound::RepairStep;

use crate::random::Random;

/// The clients, each of which asks for one thing after the other.
pub const CLIENTS: usize = 4;

/// The indexes that clients use.
pub const INDEXES: [&str; 2] = ["films", "books"];

/// The ids of documents that one client writes in one index.
pub const DOCUMENTS: u64 = 6;

/// The length of a history until everything is healed, in milliseconds.
const LENGTH: u64 = 60_000;

/// The size of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// The nodes.
    pub nodes: usize,
    /// The replica groups, of equal size.
    pub groups: usize,
    /// The copies of a shard inside one group.
    pub replication_factor: u32,
    /// The acknowledgements that make a shard written.
    pub write_quorum: Option<u32>,
    /// The shards of an index.
    pub shards: u32,
    /// The instances.
    pub instances: usize,
}

impl Shape {
    fn group_of(&self, node: usize) -> GroupId {
        GroupId(u32::try_from(node % self.groups).unwrap_or(0))
    }

    /// Returns the topology.
    pub fn topology(&self) -> Topology {
        let nodes = (0..self.nodes)
            .map(|number| Node { id: node_id(number), group: self.group_of(number) })
            .collect();
        #[expect(clippy::expect_used, reason = "every shape is a valid topology")]
        Topology::new(nodes, self.replication_factor, self.write_quorum).expect("a valid topology")
    }

    /// Returns the topology as the store keeps it.
    pub fn accepted(&self) -> AcceptedTopology {
        let node = |number| AcceptedNode {
            id: node_id(number),
            url: format!("http://{}", node_id(number)),
            group: self.group_of(number),
        };
        AcceptedTopology::new(self.replication_factor, (0..self.nodes).map(node))
    }
}

/// A request of a client. Documents are given by their number among those of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// Replaces so many documents, from the first.
    Put { first: u64, count: u64 },
    /// Changes one attribute of so many documents.
    Update { first: u64, count: u64 },
    /// Deletes one document.
    Delete { first: u64 },
    /// Deletes the documents of all clients with this kind.
    DeleteKind(u64),
    /// Deletes all documents.
    DeleteAll,
    /// Creates the index.
    CreateIndex,
    /// Deletes the index.
    DeleteIndex,
    /// Changes the settings.
    Settings,
    /// Points the alias at this index.
    Flip,
    /// Searches for everything.
    Search,
    /// Searches through the alias.
    SearchAlias,
    /// Lists everything, page by page.
    Walk,
    /// Reads one document of any client.
    Get { client: usize, first: u64 },
    /// Reads the number of documents.
    Count,
    /// Reads the settings.
    GetSettings,
}

/// The kind of a disturbance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TroubleKind {
    /// Nothing passes.
    Blackhole,
    /// Responses are lost.
    LostResponses,
    /// Connections are cut, before or after the request was carried out.
    Cuts,
    /// Some requests arrive seconds later, after their caller may have given up.
    Late,
    /// Everything takes longer, so messages overtake each other.
    Slow,
    /// Requests arrive twice.
    Duplicates,
}

/// Returns the name of a node.
pub fn node_id(number: usize) -> NodeId {
    #[expect(clippy::expect_used, reason = "the text is a valid name")]
    format!("node-{number}").parse().expect("a valid name")
}

/// A thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A node is killed and started again.
    KillNode { node: usize, down: u64 },
    /// A node is killed, loses its data, and is started again.
    WipeNode { node: usize, down: u64 },
    /// A node is killed, gets the data of an earlier time, and is started again.
    RollBackNode { node: usize, down: u64 },
    /// Two nodes have each other's data for some time.
    ExchangeNodes { one: usize, other: usize, during: u64 },
    /// A node works off no tasks for some time.
    StallNode { node: usize, during: u64 },
    /// The network is disturbed.
    Network { instance: Option<usize>, node: Option<usize>, kind: TroubleKind, during: u64 },
    /// An instance crashes and is started again.
    CrashInstance { instance: usize, down: u64 },
    /// The leader crashes when repair reaches this step, and is started again.
    CrashAt { step: RepairStep, down: u64 },
    /// An instance does not run for some time.
    PauseInstance { instance: usize, during: u64 },
    /// The store does not respond for some time.
    StoreAway { during: u64 },
    /// The clock of an instance jumps.
    InstanceClock { instance: usize, by: i64 },
    /// The clock of a node jumps.
    NodeClock { node: usize, by: i64 },
}

impl Fault {
    /// Returns the name of the kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::KillNode { .. } => "kill node",
            Self::WipeNode { .. } => "wipe node",
            Self::RollBackNode { .. } => "roll back node",
            Self::ExchangeNodes { .. } => "exchange nodes",
            Self::StallNode { .. } => "stall node",
            Self::Network { kind, .. } => match kind {
                TroubleKind::Blackhole => "partition",
                TroubleKind::LostResponses => "lose responses",
                TroubleKind::Cuts => "cut connections",
                TroubleKind::Late => "late requests",
                TroubleKind::Slow => "reorder",
                TroubleKind::Duplicates => "duplicate",
            },
            Self::CrashInstance { .. } => "crash instance",
            Self::CrashAt { .. } => "crash in repair",
            Self::PauseInstance { .. } => "pause instance",
            Self::StoreAway { .. } => "store away",
            Self::InstanceClock { .. } => "clock of instance",
            Self::NodeClock { .. } => "clock of node",
        }
    }
}

/// An action of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A client asks an instance about an index.
    Ask {
        /// The client.
        client: usize,
        /// The instance.
        instance: usize,
        /// The index.
        index: usize,
        /// The request.
        request: Request,
    },
    /// Something goes wrong.
    Break(Fault),
}

/// One event of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// The time, in milliseconds since the begin.
    pub at: u64,
    /// The action.
    pub what: What,
}

/// The losses that a history allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Losses {
    /// Faults leave one copy in sync of each shard.
    None,
    /// Faults may take all copies of a shard. What is lost must be named, and no read may hide it.
    AllCopies,
    /// Nodes lose documents of writes that they accept. Miroir cannot notice that, so the model must.
    Silent,
}

/// The plan of a history.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The seed of all chance.
    pub seed: u64,
    /// The size of the cluster.
    pub shape: Shape,
    /// The events, by time.
    pub events: Vec<Event>,
    /// The losses that are allowed.
    pub losses: Losses,
}

impl Plan {
    /// Makes the plan of a seed.
    pub fn of(seed: u64) -> Self {
        let mut random = Random::new(seed, 0);
        let shape = shape(&mut random);
        let mut events = Vec::new();
        for index in 0..INDEXES.len() {
            for (at, request) in [(10, Request::CreateIndex), (20, Request::Settings)] {
                events.push(Event { at, what: What::Ask { client: 0, instance: 0, index, request } });
            }
        }
        let asked = random.within(200..320);
        for _ in 0..asked {
            let what = What::Ask {
                client: random.index(CLIENTS),
                instance: random.index(shape.instances),
                index: random.index(INDEXES.len()),
                request: request(&mut random),
            };
            events.push(Event { at: random.within(200..LENGTH), what });
        }
        let broken = random.within(5..14);
        for _ in 0..broken {
            let what = What::Break(fault(&mut random, shape));
            events.push(Event { at: random.within(500..LENGTH - 5_000), what });
        }
        // A stable sort: equal times keep the order in which they were made.
        events.sort_by_key(|event| event.at);
        Self { seed, shape, events, losses: Losses::None }
    }

    /// Returns the numbers of requests and of faults.
    pub fn counts(&self) -> (usize, usize) {
        let faults = self.events.iter().filter(|event| matches!(event.what, What::Break(_))).count();
        (self.events.len() - faults, faults)
    }
}

fn shape(random: &mut Random) -> Shape {
    let instances = if random.one_in(2) { 2 } else { 1 };
    let (nodes, groups, replication_factor) = [(3, 1, 2), (3, 1, 3), (4, 2, 2)][random.index(3)];
    let write_quorum = if random.one_in(2) { Some(1) } else { None };
    let shards = u32::try_from(random.within(3..7)).unwrap_or(3);
    Shape { nodes, groups, replication_factor, write_quorum, shards, instances }
}

fn request(random: &mut Random) -> Request {
    let first = random.within(0..DOCUMENTS);
    let count = random.within(1..DOCUMENTS);
    match random.within(0..100) {
        0..26 => Request::Put { first, count },
        26..36 => Request::Update { first, count },
        36..44 => Request::Delete { first },
        44..47 => Request::DeleteKind(random.within(0..KINDS)),
        47 => Request::DeleteAll,
        48..50 => Request::CreateIndex,
        50 => Request::DeleteIndex,
        51..55 => Request::Settings,
        55..58 => Request::Flip,
        58..75 => Request::Search,
        75..80 => Request::SearchAlias,
        80..85 => Request::Walk,
        85..95 => Request::Get { client: random.index(CLIENTS), first },
        95..98 => Request::Count,
        _ => Request::GetSettings,
    }
}

/// The kinds of documents, by which they are deleted together.
pub const KINDS: u64 = 5;

fn fault(random: &mut Random, shape: Shape) -> Fault {
    const STEPS: [RepairStep; 5] = [
        RepairStep::Settings,
        RepairStep::CatchUp,
        RepairStep::Compare,
        RepairStep::Copy,
        RepairStep::Confirm,
    ];
    const TROUBLES: [TroubleKind; 6] = [
        TroubleKind::Blackhole,
        TroubleKind::LostResponses,
        TroubleKind::Cuts,
        TroubleKind::Late,
        TroubleKind::Slow,
        TroubleKind::Duplicates,
    ];
    let node = random.index(shape.nodes);
    let instance = random.index(shape.instances);
    let during = random.within(50..8_000);
    let down = during;
    match random.within(0..100) {
        0..16 => Fault::KillNode { node, down },
        16..24 => Fault::WipeNode { node, down },
        24..32 => Fault::RollBackNode { node, down },
        32..36 => Fault::ExchangeNodes { one: node, other: (node + 1) % shape.nodes, during },
        36..42 => Fault::StallNode { node, during },
        42..66 => {
            let kind = TROUBLES[random.index(TROUBLES.len())];
            let instance = if random.one_in(2) { Some(instance) } else { None };
            // What loses messages concerns one node, so that the others stay in sync.
            let is_harmless = matches!(kind, TroubleKind::Slow | TroubleKind::Duplicates);
            let node = if is_harmless && random.one_in(2) { None } else { Some(node) };
            Fault::Network { instance, node, kind, during }
        }
        66..76 => Fault::CrashInstance { instance, down },
        76..84 => Fault::CrashAt { step: STEPS[random.index(STEPS.len())], down },
        84..90 => Fault::PauseInstance { instance, during },
        90..95 => Fault::StoreAway { during },
        95..97 => Fault::InstanceClock { instance, by: jump(random) },
        _ => Fault::NodeClock { node, by: jump(random) },
    }
}

/// Returns a jump of a clock by up to two minutes: nodes' clocks may differ by five.
fn jump(random: &mut Random) -> i64 {
    i64::try_from(random.within(0..240_000)).unwrap_or(0) - 120_000
}
