//! Change data capture: the changes of writes as events for others to follow.
//!
//! | module | subject |
//! |---|---|
//! | `pending` | the changes of a write, kept until its task has ended |
//! | `event` | the `CloudEvents` of a write, cut into pieces of a bounded size |
//! | `notice` | the events about other things: a gap, a run of a canary |
//! | `sequence` | the order of writes that may be about the same document |
//! | `position` | the positions from which a reader can go on |
//! | `rewind` | a request to deliver events again |
//! | `sink` | the delivery state of a sink |
//!
//! The store numbers the events of each sink and index, so the `id` of an event is added when it is delivered
//! ([`numbered`]).

mod event;
mod notice;
mod pending;
mod position;
mod rewind;
mod sequence;
mod sink;

pub use event::{
    EventContext, MAX_DOCUMENT_DEPTH, MAX_EVENT_DOCUMENTS, MAX_EVENT_TEXT, document_events, numbered,
    of_epoch,
};
pub use notice::{canary_event, gap_event};
pub use pending::{ChangeKind, Changed, Origin, PendingChanges};
pub use position::{FeedPosition, HeldEvents, InvalidPosition, MalformedPosition};
pub use rewind::Rewind;
pub use sequence::sequences;
pub use sink::{SinkRow, SinkState};

#[cfg(test)]
mod tests;
