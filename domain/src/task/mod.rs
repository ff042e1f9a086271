//! Tasks: one task that a client sees, for the many node tasks of its write.

mod aggregate;
pub mod details;
#[cfg(test)]
pub(crate) mod fixture;
mod kind;
pub mod marker;
mod node_task;
mod outcome;
mod parameters;
mod query;
mod row;
mod status;
mod transition;
mod view;

pub use kind::TaskKind;
pub use node_task::{NodeMiss, NodeTask, NodeTaskReport, NodeTaskState};
pub use outcome::{NodeOutcome, WriteOutcomes};
pub use query::{TaskDates, TaskQuery};
pub use row::{NewTask, Task};
pub use status::TaskStatus;
pub use transition::{Effect, Event, InvalidTransition};
pub use view::{TaskDetailView, TaskSummary, TaskView};
