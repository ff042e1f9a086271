//! The placement of shards on nodes.

use std::collections::HashMap;
use std::sync::Arc;

use miroir_domain::GroupId;
use miroir_domain::placement::Placement;
use miroir_domain::topology::Topology;
use parking_lot::Mutex;

/// The topology of a cluster, and the placements that follow from it.
pub struct Placements {
    topology: Arc<Topology>,
    default_shard_count: u32,
    /// Placements by shard count. Each is computed once.
    computed: Mutex<HashMap<u32, Arc<Placement>>>,
}

impl Placements {
    /// Creates the placements of a topology in which new indexes have `default_shard_count` shards.
    pub fn new(topology: Arc<Topology>, default_shard_count: u32) -> Self {
        Self { topology, default_shard_count, computed: Mutex::default() }
    }

    /// Returns the nodes and groups.
    pub fn topology(&self) -> &Arc<Topology> {
        &self.topology
    }

    /// Returns the number of shards of a new index.
    pub fn default_shard_count(&self) -> u32 {
        self.default_shard_count
    }

    /// Returns the placement of an index with `shard_count` shards.
    pub fn of(&self, shard_count: u32) -> Arc<Placement> {
        let mut computed = self.computed.lock();
        computed
            .entry(shard_count)
            .or_insert_with(|| Arc::new(Placement::new(&self.topology, shard_count)))
            .clone()
    }

    /// Returns the groups, by number.
    pub fn group_ids(&self) -> Vec<GroupId> {
        self.topology.groups().iter().map(|group| group.id).collect()
    }
}
