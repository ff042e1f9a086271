//! One write: planned, recorded as a task, sent to its nodes in their order, judged by quorum.

mod creation;
mod dispatch;
mod plan;
mod run;
mod send;

pub use creation::{begin_change, begin_creation, delete_entry, finish_creation};
pub use dispatch::{Completion, Dispatch};
pub use plan::{Target, WritePlan};
