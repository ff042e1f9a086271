//! Whether a write took: judged shard by shard, group by group.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::placement::Placement;
use crate::topology::Topology;
use crate::{GroupId, NodeId, ShardSet};

/// What became of a write after every node answered or ran out of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteVerdict {
    /// Shards that reached quorum in no group: when there is one, the write did not take.
    pub unwritten: ShardSet,
    /// Groups, shards and nodes that missed the write, whether or not it took.
    pub degraded: Option<Degraded>,
}

/// What a request had to do without. Its text form is the value of `X-Miroir-Degraded`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Degraded {
    /// For each group, the shards that miss at least one copy.
    pub groups: BTreeMap<GroupId, ShardSet>,
    /// The nodes that missed it.
    pub nodes: BTreeSet<NodeId>,
}

impl fmt::Display for Degraded {
    /// `group=0 shards=1,4-7; group=1 shards=2; nodes=node-a,node-b`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (group, shards) in &self.groups {
            write!(formatter, "{separator}group={group} shards={shards}")?;
            separator = "; ";
        }
        for (position, node) in self.nodes.iter().enumerate() {
            let before = if position == 0 { format_args!("{separator}nodes=") } else { format_args!(",") };
            write!(formatter, "{before}{node}")?;
        }
        Ok(())
    }
}

/// Judges a write to `touched` shards: a shard is written when at least one group has `topology.write_quorum()`
/// replicas of it among the nodes that `acknowledged`. Groups do not add up: two groups of one acknowledgement each
/// make no quorum of two, since a search is served by one group. A shard the placement does not know is unwritten.
pub fn judge_write(
    topology: &Topology,
    placement: &Placement,
    touched: &ShardSet,
    acknowledged: &dyn Fn(&NodeId) -> bool,
) -> WriteVerdict {
    let mut unwritten = ShardSet::default();
    let mut degraded = Degraded::default();
    for shard in touched.iter() {
        let mut written = false;
        for group in topology.groups() {
            let replicas = placement.replicas(shard, group.id);
            let mut acknowledgements = 0;
            for replica in replicas {
                if acknowledged(replica) {
                    acknowledgements += 1;
                } else if !degraded.nodes.contains(replica) {
                    degraded.nodes.insert(replica.clone());
                }
            }
            written |= acknowledgements >= topology.write_quorum() as usize;
            if acknowledgements < replicas.len() {
                degraded.groups.entry(group.id).or_default().insert(shard);
            }
        }
        if !written {
            unwritten.insert(shard);
        }
    }
    WriteVerdict { unwritten, degraded: (!degraded.groups.is_empty()).then_some(degraded) }
}
