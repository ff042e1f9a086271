//! The state of a history in progress.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use miroir_devnode::Snapshot;
use miroir_domain::identity::Incarnation;
use parking_lot::Mutex;

use crate::instance::Instances;
use crate::model::Model;
use crate::world::World;

/// The most rows of a table of the store.
pub const ALL: u32 = 10_000;

/// The state of the faults.
#[derive(Default)]
pub struct FaultState {
    /// The nodes that have a fault.
    pub busy: Mutex<BTreeSet<usize>>,
    /// The nodes whose data was damaged, with the incarnation that they had then.
    pub dirty: Mutex<BTreeMap<usize, Option<Incarnation>>>,
    /// Copies of the data of each node.
    pub snapshots: Mutex<BTreeMap<usize, Vec<Snapshot>>>,
}

impl FaultState {
    /// Takes a copy of the data of every node.
    pub fn take_snapshots(&self, world: &World) {
        let mut snapshots = self.snapshots.lock();
        for (number, node) in world.nodes.iter().enumerate() {
            if !self.busy.lock().contains(&number) {
                snapshots.entry(number).or_default().push(node.server.snapshot());
            }
        }
    }

    /// Ends the fault of nodes.
    pub fn release(&self, nodes: &[usize]) {
        for node in nodes {
            self.busy.lock().remove(node);
        }
    }
}

/// The answers of reads.
#[derive(Default)]
pub struct Counts {
    /// Compared with the model.
    pub judged: AtomicU64,
    /// Marked as incomplete or old.
    pub marked: AtomicU64,
    /// Refused.
    pub refused: AtomicU64,
}

/// A history in progress.
pub struct History {
    /// The world.
    pub world: Arc<World>,
    /// The instances.
    pub instances: Arc<Instances>,
    /// The model.
    pub model: Mutex<Model>,
    /// The state of the faults.
    pub injector: FaultState,
    /// True while clients are held up.
    pub hold: AtomicBool,
    /// The faults that took place, by kind.
    pub faults: Mutex<BTreeMap<&'static str, u64>>,
    /// The answers.
    pub counts: Counts,
    /// The sentences about what was wrong.
    pub violations: Mutex<Vec<String>>,
}

impl History {
    /// Creates the history in a world, before anything has happened.
    pub fn new(world: Arc<World>) -> Arc<Self> {
        Arc::new(Self {
            instances: Instances::new(&world),
            world,
            model: Mutex::default(),
            injector: FaultState::default(),
            hold: AtomicBool::new(false),
            faults: Mutex::default(),
            counts: Counts::default(),
            violations: Mutex::default(),
        })
    }

    /// Notes that something was wrong.
    pub fn violate(&self, sentence: String) {
        self.world.note(format_args!("VIOLATION {sentence}"));
        self.violations.lock().push(sentence);
    }
}
