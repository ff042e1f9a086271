//! Placement: the shard of a document, the replicas of a shard, the targets of a write, the covering set of a
//! search.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64;

use crate::document::{DocumentId, shard_value};
use crate::topology::{ReplicaGroup, Topology};
use crate::{GroupId, NodeId, Shard, ShardSet};

/// Returns the shard of a document: `xxh3_64(canonical id) mod shard_count`, with seed 0.
///
/// The formula is part of the format of stored data: with another one, documents would not be found. A count
/// of zero, which no index has, counts as one.
#[inline]
pub fn shard_of(canonical_id: &str, shard_count: u32) -> Shard {
    shard_of_hash(hash_id(canonical_id.as_bytes()), shard_count)
}

/// Returns the hash of a canonical id, of which [`shard_of_hash`] makes its shard.
#[inline]
pub(crate) fn hash_id(canonical_id: &[u8]) -> u64 {
    xxh3_64(canonical_id)
}

/// Returns the shard of a document whose canonical id has this hash.
#[inline]
pub(crate) fn shard_of_hash(hash: u64, shard_count: u32) -> Shard {
    let remainder = hash % u64::from(shard_count.max(1));
    #[expect(clippy::cast_possible_truncation, reason = "the remainder of a division by 32 bits has 32 bits")]
    Shard(remainder as u32)
}

/// The greatest number of shards that [`fitting_shard_count`] tries.
const MAX_TRIED_COUNT: u32 = 1 << 16;

/// Returns a number of shards with which every document of `sample` has the shard whose text it carries:
/// `default` if that fits, and else the smallest. Returns `None` if none fits.
pub fn fitting_shard_count(default: u32, sample: &[(DocumentId, String)]) -> Option<u32> {
    let sample: Vec<(u64, &str)> =
        sample.iter().map(|(id, text)| (hash_id(id.as_str().as_bytes()), text.as_str())).collect();
    let fits =
        |count: u32| sample.iter().all(|(hash, text)| shard_value(shard_of_hash(*hash, count)) == *text);
    std::iter::once(default).chain(1..=MAX_TRIED_COUNT).find(|count| fits(*count))
}

/// The nodes that keep each shard of an index with a given number of shards. It is computed from the topology
/// alone, equal on every instance, and kept in memory only.
///
/// Inside a group every node scores every shard, and the `RF` best scores keep it:
///
/// ```text
/// score(shard, node) = xxh3_64(shard number as 4 bytes, little endian ++ node id as UTF-8), seed 0
/// ```
///
/// The higher score is the better one; the smaller node id wins a tie. This is highest random weight hashing,
/// also called rendezvous hashing: D. Thaler and C. Ravishankar, "Using Name-Based Mappings to Increase Hit
/// Rates", IEEE/ACM Transactions on Networking 6(1), 1998. A node that joins a group of `n` takes about
/// `1/(n+1)` of each shard's copies, and no copy moves between two nodes that were there before.
///
/// # Examples
///
/// ```
/// use miroir_domain::placement::{Placement, shard_of};
/// use miroir_domain::topology::{Node, Topology};
/// use miroir_domain::{GroupId, ShardSet};
///
/// let node = |name: &str| Node { id: name.parse().unwrap(), group: GroupId(0) };
/// let topology = Topology::new(vec![node("a"), node("b"), node("c")], 2, None)?;
/// let placement = Placement::new(&topology, 64);
///
/// // Two of the three nodes keep the shard of the document, and a write of the document goes to both.
/// let shard = shard_of("movie-42", 64);
/// let replicas = placement.replicas(shard, GroupId(0));
/// assert_eq!(replicas.len(), 2);
/// let targets = placement.write_targets(&ShardSet::from_iter([shard]));
/// assert!(replicas.iter().all(|node| targets.contains_key(node)));
///
/// // A search needs two nodes for all shards; here `a` is down.
/// let covering = placement.covering_set(&[GroupId(0)], &|node| (node.as_str() != "a").then_some(0));
/// assert_eq!(covering.nodes.len(), 2);
/// assert!(covering.uncovered.is_empty());
/// # Ok::<(), miroir_domain::topology::InvalidTopology>(())
/// ```
#[derive(Debug, Clone)]
pub struct Placement {
    shard_count: u32,
    /// Every node, group by group. Elsewhere in the placement a node is its position in this list.
    nodes: Vec<NodeId>,
    groups: Vec<PlacedGroup>,
    shards_of: BTreeMap<NodeId, ShardSet>,
    /// The empty set, for nodes outside the topology.
    nothing: ShardSet,
}

/// The replicas of every shard in one group, shard after shard, `width` of them each, best score first.
#[derive(Debug, Clone)]
struct PlacedGroup {
    id: GroupId,
    width: usize,
    names: Vec<NodeId>,
    /// The same replicas as positions in [`Placement::nodes`]. The search path uses these instead of names.
    positions: Vec<u32>,
}

impl PlacedGroup {
    fn new(group: &ReplicaGroup, first_position: u32, width: usize, shard_count: u32) -> Self {
        let mut names = Vec::with_capacity(width * shard_count as usize);
        let mut positions = Vec::with_capacity(names.capacity());
        let mut ranking: Vec<(Reverse<u64>, &NodeId, u32)> = Vec::with_capacity(group.nodes.len());
        for shard in (0..shard_count).map(Shard) {
            ranking.clear();
            ranking.extend(
                (first_position..)
                    .zip(&group.nodes)
                    .map(|(position, node)| (Reverse(score(shard, node)), node, position)),
            );
            ranking.sort_unstable();
            for (_, name, position) in ranking.iter().take(width) {
                names.push((*name).clone());
                positions.push(*position);
            }
        }
        Self { id: group.id, width, names, positions }
    }

    fn slice<'a, T>(&self, replicas: &'a [T], shard: Shard) -> &'a [T] {
        let start = shard.0 as usize * self.width;
        replicas.get(start..start + self.width).unwrap_or_default()
    }

    fn names(&self, shard: Shard) -> &[NodeId] {
        self.slice(&self.names, shard)
    }

    fn positions(&self, shard: Shard) -> &[u32] {
        self.slice(&self.positions, shard)
    }
}

/// Returns the rendezvous score of `node` for `shard`; see [`Placement`].
fn score(shard: Shard, node: &NodeId) -> u64 {
    let mut key = [0_u8; 4 + NodeId::MAX_BYTES];
    let name = node.as_str().as_bytes();
    key[..4].copy_from_slice(&shard.0.to_le_bytes());
    key[4..4 + name.len()].copy_from_slice(name);
    xxh3_64(&key[..4 + name.len()])
}

impl Placement {
    /// Computes the placement of `shard_count` shards over the groups of `topology`: inside each group the
    /// replicas of a shard are the `RF` nodes with the highest rendezvous score, xxHash3 over (shard, node
    /// id).
    pub fn new(topology: &Topology, shard_count: u32) -> Self {
        let width = topology.replication_factor() as usize;
        let mut nodes: Vec<NodeId> = Vec::new();
        let mut groups = Vec::with_capacity(topology.groups().len());
        let mut first_position = 0_u32;
        for group in topology.groups() {
            groups.push(PlacedGroup::new(group, first_position, width, shard_count));
            nodes.extend(group.nodes.iter().cloned());
            first_position =
                first_position.saturating_add(u32::try_from(group.nodes.len()).unwrap_or(u32::MAX));
        }
        let mut kept = vec![Vec::new(); nodes.len()];
        for shard in (0..shard_count).map(Shard) {
            for position in groups.iter().flat_map(|group| group.positions(shard)) {
                kept[*position as usize].push(shard);
            }
        }
        let shards_of = name_shares(&nodes, kept, true);
        Self { shard_count, nodes, groups, shards_of, nothing: ShardSet::default() }
    }

    /// Returns the number of shards.
    pub fn shard_count(&self) -> u32 {
        self.shard_count
    }

    /// Returns the replicas of `shard` in `group`, best score first. They are empty if there is no such group
    /// or shard.
    pub fn replicas(&self, shard: Shard, group: GroupId) -> &[NodeId] {
        self.group(group).map(|group| group.names(shard)).unwrap_or_default()
    }

    /// Returns the replicas of `shard` in all groups, group by group.
    pub fn all_replicas(&self, shard: Shard) -> impl Iterator<Item = &NodeId> {
        self.groups.iter().flat_map(move |group| group.names(shard))
    }

    fn group(&self, id: GroupId) -> Option<&PlacedGroup> {
        self.groups.iter().find(|group| group.id == id)
    }

    /// Returns the shards that `node` keeps.
    pub fn shards_of(&self, node: &NodeId) -> &ShardSet {
        self.shards_of.get(node).unwrap_or(&self.nothing)
    }

    /// Returns the targets of a write: each node that keeps any of `touched`, with those shards.
    pub fn write_targets(&self, touched: &ShardSet) -> BTreeMap<NodeId, ShardSet> {
        let mut shares = vec![Vec::new(); self.nodes.len()];
        for shard in touched.iter() {
            for position in self.groups.iter().flat_map(|group| group.positions(shard)) {
                shares[*position as usize].push(shard);
            }
        }
        name_shares(&self.nodes, shares, false)
    }

    /// Returns one replica for every shard. `groups` are in the order of preference: a shard is served by the
    /// first group that serves it below [`LAST_RESORT_COST`], else by the group that serves it at the lowest
    /// cost, and within the group by the replica with the lowest cost. A node for which `cost` is `None`
    /// serves no reads. Of replicas with equal costs, one that is in the set already is preferred, so that
    /// the set has few nodes.
    ///
    /// Shards with only one choice are assigned first, so that the nodes which must be in the set are known
    /// when the others are assigned. `cost` is called once per node.
    pub fn covering_set(&self, groups: &[GroupId], cost: &dyn Fn(&NodeId) -> Option<u64>) -> CoveringSet {
        self.covering_set_avoiding(groups, cost, &|_| ShardSet::default(), None)
    }

    /// Chooses a covering set as [`Placement::covering_set`] does, and avoids the shards that `doubtful`
    /// returns for a node, also if the node is in the set for others. `doubt_cost` is the additional cost
    /// of such a shard; if it is `None`, the node does not serve it. `doubtful` is called once per node.
    pub fn covering_set_avoiding(
        &self,
        groups: &[GroupId],
        cost: &dyn Fn(&NodeId) -> Option<u64>,
        doubtful: &dyn Fn(&NodeId) -> ShardSet,
        doubt_cost: Option<u64>,
    ) -> CoveringSet {
        let groups: Vec<&PlacedGroup> = groups.iter().filter_map(|id| self.group(*id)).collect();
        let costs = Costs {
            nodes: self.nodes.iter().map(|node| Some((cost(node)?, doubtful(node)))).collect(),
            doubt: doubt_cost,
        };
        let mut shares = vec![Vec::new(); self.nodes.len()];
        let mut open = Vec::new();
        let mut uncovered = ShardSet::default();
        for shard in (0..self.shard_count).map(Shard) {
            match cheapest(&groups, shard, &costs) {
                None => {
                    uncovered.insert(shard);
                }
                Some((group, lowest)) => {
                    let mut choices = at_cost(group.positions(shard), &costs, shard, lowest);
                    match (choices.next(), choices.next()) {
                        (Some(only), None) => shares[only as usize].push(shard),
                        _ => open.push((shard, group, lowest)),
                    }
                }
            }
        }
        for (shard, group, lowest) in open {
            let choices = || at_cost(group.positions(shard), &costs, shard, lowest);
            let visited = choices().find(|position| !shares[*position as usize].is_empty());
            if let Some(chosen) = visited.or_else(|| choices().next()) {
                shares[chosen as usize].push(shard);
            }
        }
        CoveringSet { nodes: name_shares(&self.nodes, shares, false), uncovered }
    }
}

/// The cost from which a node is used only if no group has a cheaper replica.
pub const LAST_RESORT_COST: u64 = 1 << 40;

/// The costs of the nodes of a placement, by position.
struct Costs {
    /// The cost of each node that serves reads, with its doubtful shards.
    nodes: Vec<Option<(u64, ShardSet)>>,
    /// The additional cost of a doubtful shard. `None` if a node does not serve it.
    doubt: Option<u64>,
}

impl Costs {
    fn of(&self, position: u32, shard: Shard) -> Option<u64> {
        let (cost, doubtful) = self.nodes[position as usize].as_ref()?;
        if doubtful.is_empty() || !doubtful.contains(shard) {
            return Some(*cost);
        }
        Some(cost.saturating_add(self.doubt?))
    }
}

/// Returns the first group that serves `shard` below [`LAST_RESORT_COST`], else the cheapest group, with the
/// lowest cost of its replicas.
fn cheapest<'a>(groups: &[&'a PlacedGroup], shard: Shard, costs: &Costs) -> Option<(&'a PlacedGroup, u64)> {
    let serving = groups.iter().filter_map(|group| {
        let lowest = group.positions(shard).iter().filter_map(|position| costs.of(*position, shard)).min()?;
        Some((*group, lowest))
    });
    // `min_by_key` returns the first of equal keys, so groups below the limit keep the caller's order.
    serving.min_by_key(|(_, lowest)| if *lowest < LAST_RESORT_COST { 0 } else { *lowest })
}

/// Returns those of `positions` whose node has exactly this cost, best score first.
fn at_cost<'a>(
    positions: &'a [u32],
    costs: &'a Costs,
    shard: Shard,
    cost: u64,
) -> impl Iterator<Item = u32> + 'a {
    positions.iter().copied().filter(move |position| costs.of(*position, shard) == Some(cost))
}

/// Replaces positions by names in a list of shares. Nodes without shards are left out unless `keep_empty`.
fn name_shares(nodes: &[NodeId], shares: Vec<Vec<Shard>>, keep_empty: bool) -> BTreeMap<NodeId, ShardSet> {
    nodes
        .iter()
        .zip(shares)
        .filter(|(_, shards)| keep_empty || !shards.is_empty())
        .map(|(node, shards)| (node.clone(), shards.into_iter().collect()))
        .collect()
}

/// The nodes that one search is sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoveringSet {
    /// Each node and the shards that it serves.
    pub nodes: BTreeMap<NodeId, ShardSet>,
    /// The shards that no node can serve.
    pub uncovered: ShardSet,
}

#[cfg(test)]
mod tests;
