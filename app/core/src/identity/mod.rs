//! The identity of the cluster and of the data on its nodes: known, checked, and followed.
//!
//! | module | contents |
//! |---|---|
//! | `known` | the identity as the store has it, in memory |
//! | `checker` | checks nodes, with each probe and with each new connection |
//! | `refresh` | follows the store |
//! | `guard` | the store, which is refused while it is not that of the cluster |
//! | `establish` | makes the identity of a new store, and finds that a store was lost |
//! | `probe` | checks every node at intervals |
//! | `acceptance` | compares and accepts topologies |

mod acceptance;
mod checker;
mod establish;
mod guard;
mod known;
mod probe;
mod refresh;

pub use acceptance::{Acceptance, AcceptanceError, accept, check_topology, preview};
pub use checker::{Finding, NodeChecker};
pub use establish::{Established, establish};
pub use guard::GuardedStore;
pub use known::{KnownIdentity, StoreIdentity};
pub use probe::probe_loop;
pub use refresh::{refresh, refresh_loop};
