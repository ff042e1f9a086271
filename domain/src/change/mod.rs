//! Change data capture: what a write changed, as events for others to follow.
//!
//! | module | what it decides |
//! |---|---|
//! | `pending` | what is kept of a write until its task has ended |
//! | `event` | the `CloudEvents` that a write becomes, cut into pieces of a bounded size |
//! | `notice` | the events about other things: a gap, a run of a canary |
//! | `line` | which writes must wait for which |
//! | `position` | where a reader may begin |
//! | `rewind` | where a person wants a sink to go on |
//! | `sink` | whether a sink is delivered to |
//!
//! An event gets its number from the store, for each sink and index anew, so its `id` is added when it leaves
//! ([`numbered`]).

mod event;
mod line;
mod notice;
mod pending;
mod position;
mod rewind;
mod sink;

pub use event::{
    MAX_DOCUMENT_DEPTH, MAX_EVENT_DOCUMENTS, MAX_EVENT_TEXT, Occasion, document_events, numbered,
};
pub use line::lines;
pub use notice::{canary_event, gap_event};
pub use pending::{ChangeKind, Changed, Origin, PendingChanges};
pub use position::{Held, OutOfReach};
pub use rewind::Rewind;
pub use sink::{SinkRow, SinkState};

#[cfg(test)]
mod tests;
