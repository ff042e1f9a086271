//! A simulated Meilisearch server, spoken to over HTTP like a real one: for `demo`, `dev` and tests.
//!
//! It answers the routes a cluster uses (indexes, documents, settings, tasks, search) with the statuses, bodies and
//! error codes of Meilisearch 1.50, keeps its data in memory, and fails on demand: see [`Control`]. A contract
//! suite (`tests/contract`) holds it and a real server to the same answers.
//!
//! What it leaves out: vectors, geography, languages other than space-separated ones, keys other than the master key,
//! dumps, snapshots, index swaps, federated and multi-searches, facet searches, cropping, words written together or
//! apart (`wonderwoman`), synonyms of several words, stop words inside phrases. Searches are linear scans, meant for
//! a few thousand documents. Scores are the server's on the data the suite compares; nothing depends on which
//! other documents a node holds, so a cluster of these nodes ranks exactly as one of them would.

mod clock;
mod control;
mod document;
mod documents;
mod engine;
mod error;
mod http;
mod json;
mod node;
mod payload;
mod queue;
mod settings;
mod shared;
mod state;
mod task;

pub use control::{Control, Fault, RecordedRequest, Route};
pub use node::DevNode;
pub use shared::DevNodeOptions;
