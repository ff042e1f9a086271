//! The standing of a replica of a shard: how far it can be relied on for acknowledged writes.

/// The standing of a replica of one shard, from the worst to the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It missed writes, or its data is suspect.
    Stale,
    /// It is not known whether it took a write that was acknowledged, or has the index at all.
    Unsure,
    /// It has every write that was acknowledged, as far as is known.
    InSync,
}
