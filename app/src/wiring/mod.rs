//! Adapters, chosen by the configuration. Only this module and the command line name concrete adapters.
//!
//! | module | contents |
//! |---|---|
//! | `infrastructure` | the clients, clock and counters of an instance |
//! | `store` | the task store, opened |
//! | `store_lock` | the lock of a SQLite store |
//! | `retry` | the pauses between attempts to open a store |
//! | `node` | the nodes and their topology |
//! | `peer` | the other instances |
//! | `sink` | the sinks of change events |

mod infrastructure;
mod node;
mod retry;
mod sink;
mod store;
mod store_lock;

pub use infrastructure::infrastructure;
pub use node::accepted_topology;
pub use sink::check_sinks;
pub use store::{OpenStore, Sharing, open_store, redis_options, wait_for_store};
pub use store_lock::StoreLock;
