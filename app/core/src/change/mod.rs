//! Change data capture: events about changed documents, delivered to sinks.
//!
//! ```text
//! a task ends -> ChangeRecorder: its events for each sink -> outbox, in the transaction that ends the task
//!                                                              |
//!                          Deliverer, one for each sink       <+>       Feed, for readers
//!                          outbox -> sink -> cursor -> outbox
//! ```
//!
//! | module | contents |
//! |---|---|
//! | `recorder` | makes the events of every sink |
//! | `sink` | one configured sink: its rules and counters, and the lock of its cursor |
//! | `outbox` | reads a bounded page of the outbox |
//! | `deliverer` | delivers batches to one sink, in order, until it confirms them |
//! | `backoff` | the waits after failed deliveries |
//! | `feed` | returns events to readers, which can wait for them |
//! | `service` | lists, pauses, resumes and rewinds sinks |
//! | `refusal` | the refusal of a position without events |

mod backoff;
mod deliverer;
mod feed;
mod outbox;
mod recorder;
mod refusal;
mod service;
mod sink;

pub use backoff::Backoff;
pub use deliverer::{Deliverer, deliver_loop};
pub use feed::{Feed, FeedOptions};
pub use recorder::{ChangeRecorder, RecorderOptions};
pub use service::SinkService;
pub use sink::{Delivery, SinkHandle, SinkRules};
