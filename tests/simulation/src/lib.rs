//! Histories of a simulated cluster.
//!
//! The core of Miroir runs as in production, with the store in memory, simulated nodes inside the process, a
//! virtual clock and one source of chance. One seed is one history, repeated to the last event.
//!
//! | module | contents |
//! |---|---|
//! | `random` | the source of chance |
//! | `plan` | what clients ask for and what goes wrong, each at its time |
//! | `world` | nodes, the data of the store, time, and the log |
//! | `gate`, `network`, `store` | the ways of an instance to the world |
//! | `instance` | instances of Miroir, put together as in production |
//! | `client` | requests, and answers compared with the model |
//! | `model`, `check` | what an answer may show |
//! | `state` | the state of a history in progress |
//! | `injector` | faults, carried out so that one copy of each shard stays |
//! | `history`, `end` | one history, and the comparison at its end |
//! | `series` | many histories, with their sums |
//! | `shrink` | the shortest history that fails |

pub mod check;
mod client;
mod end;
mod gate;
mod history;
mod injector;
mod instance;
pub mod model;
mod network;
mod plan;
pub mod random;
mod series;
mod shrink;
mod state;
mod store;
mod world;

pub use history::{Report, run};
pub use plan::{CLIENTS, DOCUMENTS, Event, INDEXES, KINDS, Losses, Plan, What};
pub use series::{Extent, Sums, run_all};
pub use shrink::shrink;
