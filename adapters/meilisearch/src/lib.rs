//! Nodes over HTTP: [`MeilisearchNodes`] implements the port [`Nodes`](miroir_ports::outbound::Nodes) against
//! unmodified Meilisearch servers.
//!
//! | module | its part |
//! |---|---|
//! | `endpoint` | which nodes there are and how they are reached |
//! | `client` | sends one call and reads its answer, within a deadline and a size |
//! | `write`, `read`, `task` | what the operations of the port are as calls, and what their answers mean |
//! | `nodes` | the port's methods, each in a few lines |
//! | `error` | which failure is a refusal, which one is harmless, and which one leaves the outcome open |

mod call;
mod client;
mod endpoint;
mod error;
mod nodes;
mod read;
mod task;
mod write;

pub use client::MeilisearchNodes;
pub use endpoint::{BuildError, ClientOptions, MasterKey, NodeEndpoint};
