//! A harness for end-to-end tests: nodes, a `miroir` process in front of them, and a client.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use miroir_e2e::Cluster;
//! use serde_json::json;
//!
//! let mut cluster = Cluster::builder().nodes(3).replication_factor(2).start().await?;
//! let client = cluster.client();
//! let task = client.write("POST", "/indexes/movies/documents", json!([{ "id": 1 }])).await?;
//! assert_eq!(task["status"], "succeeded");
//! cluster.node(0).kill().await?;
//! cluster.miroir().kill().await?;
//! cluster.miroir().start().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Nodes are simulated by default. Real ones are processes of the binary that `MIROIR_MEILISEARCH_BIN` names.
//! The `miroir` binary is built by cargo, unless `MIROIR_BIN` names one. All of them listen on 127.0.0.1,
//! stop when the cluster is dropped, and print their logs if the test panics.

mod binary;
mod client;
mod cluster;
mod configuration;
mod ledger;
mod miroir;
mod node;
mod outcome;
mod process;
mod python;
mod random;
mod receiver;
mod wait;

pub use binary::program;
pub use binary::{miroir as miroir_program, previous_miroir};
pub use client::{Client, Response, nodes_of};
pub use cluster::{Cluster, ClusterBuilder};
pub use ledger::{Entries, Ledger};
pub use miroir::Miroir;
pub use node::{NODE_KIND, Node, NodeData, NodeKind};
pub use outcome::took_effect;
pub use process::Process;
pub use python::python_script;
pub use random::Random;
pub use receiver::Receiver;
pub use wait::{TIMEOUT, until};
