//! What Miroir needs: the task store, the nodes, sinks, other instances, time and ids.

mod clock;
mod ids;
mod node;
mod peers;
mod sink;
mod store;
mod wrap_nodes;

pub use clock::*;
pub use ids::*;
pub use node::*;
pub use peers::*;
pub use sink::*;
pub use store::*;
