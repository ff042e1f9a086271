//! Nodes over HTTP: [`MeilisearchNodes`] implements the port [`Nodes`](miroir_ports::outbound::Nodes) against
//! unmodified Meilisearch servers.
//!
//! | module | its part |
//! |---|---|
//! | `endpoint` | the nodes as configured, checked once |
//! | `call` | one HTTP request to a node, without its address |
//! | `client` | the HTTP client: sends one call and reads its response, within a deadline and a size |
//! | `write`, `read`, `task` | the operations of the port as calls, and the meaning of their responses |
//! | `probe` | the probe: the node is available, and accepts the key |
//! | `nodes` | the port's methods, each in a few lines |
//! | `error` | failures: refusals, requests that certainly did nothing, and those with an unknown outcome |

mod call;
mod client;
mod endpoint;
mod error;
mod nodes;
mod probe;
mod read;
mod task;
mod write;

pub use client::MeilisearchNodes;
pub use endpoint::{BuildError, ClientOptions, MasterKey, NodeEndpoint};
