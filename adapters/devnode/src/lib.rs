//! A simulated Meilisearch server, spoken to over HTTP like a real one: for `demo`, `dev` and tests.
//!
//! It answers the routes a cluster uses (indexes, documents, settings, tasks, search) with the statuses, bodies and
//! error codes of Meilisearch 1.50, keeps its data in memory, and fails on demand: see [`Control`]. A contract
//! suite (`tests/contract`) holds it and a real server to the same answers.
//!
//! What it leaves out: vectors, geography, languages other than space-separated ones, keys other than the master key,
//! dumps and snapshots. Searches are linear scans, meant for a few thousand documents.

mod clock;
mod control;
mod document;
mod engine;
mod http;
mod node;
mod payload;
mod queue;
mod settings;
mod state;
mod task;

pub use control::{Control, Fault, RecordedRequest, Route};
pub use node::{DevNode, DevNodeOptions};
