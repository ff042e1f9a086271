//! What Miroir needs: the task store, the nodes, time and ids.

mod clock;
mod ids;
mod node;
mod store;

pub use clock::*;
pub use ids::*;
pub use node::*;
pub use store::*;
