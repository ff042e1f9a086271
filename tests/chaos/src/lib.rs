//! Processes that fail under load, compared with a model.
//!
//! Clients write and read over HTTP, while nodes, instances of Miroir and their store are killed, paused,
//! emptied, rolled back and exchanged. Every answer that is not marked, and every node at the end, is
//! compared with the model of the simulation. Here are real processes, sockets and stores, and the time is
//! that of the machine, so that a seed repeats the plan and not the history.
//!
//! | module | contents |
//! |---|---|
//! | `options` | the size of a run |
//! | `layout` | the nodes that Miroir is configured with |
//! | `state` | the model, the sums and the sentences of a run |
//! | `client` | requests, and answers compared with the model |
//! | `processes` | nodes, instances of Miroir, and their store |
//! | `injector` | faults, one after the other |
//! | `run` | one run, from the first process to the comparison at its end |
//! | `end` | every node compared with the model and the other nodes |

mod client;
mod end;
mod injector;
mod layout;
mod options;
mod processes;
mod run;
mod state;

pub use layout::{Layout, Place};
pub use options::{Options, Store};
pub use processes::Processes;
pub use run::{Report, run, under_load};
pub use state::State;
