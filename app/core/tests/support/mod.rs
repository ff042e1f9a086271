//! The support of tests of services and workers: nodes in memory that fail on command, a store that fails
//! on command, and a cluster over both that can be killed and started again.

mod bench;
mod fake;
mod filter;
mod receiver;
mod server;
mod store;

pub use bench::{Bench, Layout, RuntimeClock, additions, films, uid};
pub use fake::Fault;
pub use receiver::{Reaction, Receiver, away, delivery, rules};
pub use server::{Index, Server};
