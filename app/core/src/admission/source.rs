//! Shards of which no other node is in sync.

use miroir_domain::identity::shards_without_source;
use miroir_domain::index::IndexEntry;
use miroir_domain::{NodeId, Shard, ShardSet};

use crate::cluster::Cluster;

/// Returns the shards of an index that `node` keeps, and of which no other node is in sync.
pub(super) fn sourceless(cluster: &Cluster, entry: &IndexEntry, node: &NodeId) -> ShardSet {
    let is_in_sync = |other: &NodeId, shard: Shard| {
        cluster.replicas.doubtful(&entry.physical_uid, other, &ShardSet::from_iter([shard])).is_empty()
    };
    shards_without_source(node, &cluster.placements.of(entry.shard_count), &is_in_sync)
}
