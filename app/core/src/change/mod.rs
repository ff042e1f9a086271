//! Change data capture: what writes changed, told to sinks.
//!
//! ```text
//! a task ends -> ChangeRecorder: its events, for each sink -> outbox, in the unit that ends the task
//!                                                              |
//!                        Deliverer, one for each pushed sink  <+>  Feed, for readers that ask
//!                        outbox -> sink -> cursor -> outbox
//! ```
//!
//! | file | what it does |
//! |---|---|
//! | `recorder` | what becomes an event for whom |
//! | `sink` | one configured sink: its rules, its numbers, whose turn it is |
//! | `outbox` | reads a bounded piece of the outbox |
//! | `deliverer` | hands batches to one sink, in order, again until it confirms |
//! | `backoff` | how long to wait after failures |
//! | `feed` | answers readers, at once or when there is something |
//! | `service` | what people ask of sinks: how they are, pause, resume, rewind |

mod backoff;
mod deliverer;
mod feed;
mod outbox;
mod recorder;
mod service;
mod sink;

pub use backoff::Backoff;
pub use deliverer::{Deliverer, deliver_loop};
pub use feed::{Feed, FeedOptions};
pub use recorder::{ChangeRecorder, RecorderOptions};
pub use service::SinkService;
pub use sink::{Delivery, SinkHandle, SinkRules};
