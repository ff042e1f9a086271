//! Where documents live: shard of a key, replicas of a shard, targets of a write, covering set of a search.

use std::collections::BTreeMap;

use crate::topology::Topology;
use crate::{GroupId, NodeId, Shard, ShardSet};

/// The shard of a document: 64-bit xxHash3 of its canonical id, modulo the index's shard count.
pub fn shard_of(canonical_id: &str, shard_count: u32) -> Shard {
    let _ = (canonical_id, shard_count);
    unimplemented!()
}

/// Which nodes keep which shards of an index with a given shard count: computed from the topology alone, equal in
/// every instance, kept in memory only.
#[derive(Debug, Clone)]
pub struct Placement {
    _private: (),
}

impl Placement {
    /// Computes the placement of `shard_count` shards over the groups of `topology`: inside each group the
    /// replicas of a shard are the `RF` nodes with the highest rendezvous score, xxHash3 over (shard, node id).
    pub fn new(topology: &Topology, shard_count: u32) -> Self {
        let _ = (topology, shard_count);
        unimplemented!()
    }

    /// How many shards are placed.
    pub fn shard_count(&self) -> u32 {
        unimplemented!()
    }

    /// The replicas of `shard` in `group`, best score first; empty when there is no such group or shard.
    pub fn replicas(&self, shard: Shard, group: GroupId) -> &[NodeId] {
        let _ = (shard, group);
        unimplemented!()
    }

    /// The shards `node` keeps.
    pub fn shards_of(&self, node: &NodeId) -> &ShardSet {
        let _ = node;
        unimplemented!()
    }

    /// For each node that keeps any of `touched`: which of them. The targets of a write.
    pub fn write_targets(&self, touched: &ShardSet) -> BTreeMap<NodeId, ShardSet> {
        let _ = touched;
        unimplemented!()
    }

    /// One replica for every shard, from the first of `groups` that can serve it; among the replicas of that group
    /// the one with the lowest cost. `cost` of `None` means the node serves no reads. The covering set prefers few
    /// nodes: between equal costs, a node already in the set wins.
    pub fn covering_set(&self, groups: &[GroupId], cost: &dyn Fn(&NodeId) -> Option<u64>) -> CoveringSet {
        let _ = (groups, cost);
        unimplemented!()
    }
}

/// The nodes one search visits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoveringSet {
    /// Each visited node and the shards it answers for.
    pub nodes: BTreeMap<NodeId, ShardSet>,
    /// Shards no node can serve.
    pub uncovered: ShardSet,
}
