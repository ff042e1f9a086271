//! What Miroir needs: the task store, the nodes, sinks, time and ids.

mod clock;
mod ids;
mod node;
mod sink;
mod store;

pub use clock::*;
pub use ids::*;
pub use node::*;
pub use sink::*;
pub use store::*;
