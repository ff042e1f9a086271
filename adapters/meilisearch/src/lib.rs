//! Nodes over HTTP: [`MeilisearchNodes`] implements the port [`Nodes`](miroir_ports::outbound::Nodes) against
//! unmodified Meilisearch servers, and [`MeilisearchInspector`] the port
//! [`NodeInspector`](miroir_ports::outbound::NodeInspector).
//!
//! | module | its part |
//! |---|---|
//! | `endpoint` | the nodes as configured, checked once |
//! | `call` | one HTTP request to a node, without its address |
//! | `client` | sends calls, and reads the meaning of their responses |
//! | `transport`, `http` | the way of a call and its response: a trait, and HTTP within limits |
//! | `write`, `read`, `task` | the operations of the port as calls, and the meaning of their responses |
//! | `inspector` | the identity of nodes, over connections of its own |
//! | `marker` | the marker of a node: an API key, or an index with one document |
//! | `probe` | a node is available, and accepts the key |
//! | `nodes` | the port's methods, each in a few lines |
//! | `error` | failures: refusals, requests that certainly did nothing, and those with an unknown outcome |

mod call;
mod client;
mod endpoint;
mod error;
mod http;
mod inspector;
mod marker;
mod nodes;
mod probe;
mod read;
mod task;
mod transport;
mod write;

pub use call::{Call, CallBody};
pub use endpoint::{BuildError, ClientOptions, MasterKey, NodeEndpoint};
pub use inspector::MeilisearchInspector;
pub use nodes::MeilisearchNodes;
pub use transport::{Response, Transport};
