//! The services that Miroir needs: the task store, the nodes, sinks, other instances, time, ids, sealing,
//! and a counter of what happens.

mod clock;
mod ids;
mod node;
mod observer;
mod replica_report;
mod sealer;
mod sink;
mod store;
mod wrap_nodes;
mod writer;

pub use clock::*;
pub use ids::*;
pub use node::*;
pub use observer::*;
pub use replica_report::*;
pub use sealer::*;
pub use sink::*;
pub use store::*;
pub use writer::*;
