//! A simulated Meilisearch server with the HTTP API of a real one, for `demo`, `dev` and tests.
//!
//! It serves the routes that a cluster uses (indexes, documents, settings, tasks, search) with the statuses,
//! bodies and error codes of Meilisearch 1.50, keeps its data in memory, and fails on demand: see
//! [`Control`]. A contract suite (`tests/contract`) asserts the same responses of it and of a real server. It
//! shares no code with Miroir, so that a mistake in one of them does not hide in both.
//!
//! It does not support vectors, geography, languages without spaces between words, keys other than the master
//! key, dumps, snapshots, index swaps, federated and multi-searches, facet searches, cropping, words written
//! together or apart (`wonderwoman`), synonyms of several words, and stop words inside phrases. Searches are
//! linear scans, meant for a few thousand documents. Scores equal the server's on the data of the suite. They
//! do not depend on the other documents of a node, so a cluster of these nodes ranks as a single one does.
//!
//! | module | its part |
//! |---|---|
//! | `node`, `shared` | the running node and its state |
//! | `control` | the switches that make it fail |
//! | `http` | connections and routes |
//! | `queue`, `state`, `task` | tasks and their effect on indexes |
//! | `documents`, `document`, `payload` | documents, and their formats in request bodies |
//! | `settings` | the settings of an index |
//! | `engine` | searches |
//! | `error`, `json` | error responses, and the checks of JSON |
//! | `clock` | the clock of the simulated server |

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
mod tokenize;

pub use control::{Control, Fault, RecordedRequest, Route};
pub use node::DevNode;
pub use shared::DevNodeOptions;
