//! A simulated Meilisearch server with the HTTP API of a real one, for `demo`, `dev` and tests.
//!
//! It serves the routes that a cluster uses (indexes, documents, settings, tasks, search, API keys) with the
//! statuses, bodies and error codes of Meilisearch 1.50, keeps its data in memory, and fails on demand: see
//! [`Control`]. A contract suite (`tests/contract`) asserts the same responses of it and of a real server. It
//! shares no code with Miroir, so that a mistake in one of them does not hide in both.
//!
//! A node with a master key has API keys: those of its clients, and the four default keys that a real server
//! creates when it starts without any. They do not authorize requests: a request with a key other than the
//! master key is refused with 403 `invalid_api_key`, and a key does not expire. Without a master key, `/keys`
//! is refused with 401 `missing_master_key`.
//!
//! The data is lost with the process, or with the handle of the node. A test can copy it
//! ([`DevNode::snapshot`]) and, while the node is stopped, empty or replace it ([`DevNode::wipe`],
//! [`DevNode::restore`]).
//!
//! It does not support vectors, geography, languages without spaces between words, dumps, snapshots, index
//! swaps, federated and multi-searches, facet searches, the parameters of statistics, cropping, words written
//! together or apart (`wonderwoman`), synonyms of several words, and stop words inside phrases. Searches are
//! linear scans, meant for a few thousand documents. Scores equal the server's on the data of the suite. They
//! do not depend on the other documents of a node, so a cluster of these nodes ranks as a single one does.
//!
//! | module | its part |
//! |---|---|
//! | `node`, `local`, `shared` | the running node with or without a listener, and its state |
//! | `control` | the switches that make it fail |
//! | `http` | connections and routes |
//! | `queue`, `state`, `task` | tasks and their effect on indexes |
//! | `documents`, `document`, `payload` | documents, and their formats in request bodies |
//! | `snapshot` | the data of a node as a value, for tests that lose, roll back or exchange it |
//! | `settings` | the settings of an index |
//! | `key` | API keys |
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
mod key;
mod local;
mod node;
mod payload;
mod queue;
mod settings;
mod shared;
mod snapshot;
mod state;
mod task;
mod tokenize;

pub use clock::NodeClock;
pub use control::{Control, Fault, RecordedRequest, Route};
pub use local::LocalNode;
pub use node::DevNode;
pub use shared::DevNodeOptions;
pub use snapshot::{NodeRunning, Snapshot};
