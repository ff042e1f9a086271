//! The state of a replica: the differences of one node's copy of an index from those of the other nodes.
//!
//! A replica is in sync, or it is stale: the node missed writes to some shards, its documents of some shards
//! are suspect, or its settings or the index itself are missing. Reads avoid a stale replica, and a repair
//! brings it back in sync.
//!
//! | module | subject |
//! |---|---|
//! | `state` | the state of one replica and its transitions |
//! | `row` | the rows of the table `replicas`, and the marks that change them |
//! | `missed_write` | the effect on a replica of a write that did not reach it |
//! | `transition` | the marks that follow from a change of a task |
//! | `spare` | marks that leave the best replicas of a shard alone |
//! | `recovery` | the writes that replicas missed, read from the tasks of an older store |

mod missed_write;
mod recovery;
mod row;
mod spare;
mod state;
mod transition;

pub use missed_write::MissedWrite;
pub use recovery::{Deletions, KnownIndex, TakenBy, missed_deletion, missed_writes};
pub use row::{ReplicaMark, ReplicaRow, UNCOMPARED};
pub use spare::spare_best;
pub use state::{Difference, ReplicaState};
pub use transition::{marks_of, may_mark};
