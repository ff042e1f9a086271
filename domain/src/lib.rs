//! The pure core of Miroir: what a cluster of Meilisearch nodes means, decided without doing anything.
//!
//! Nothing here waits, reads a clock, opens a socket or rolls dice. Time, randomness and answers of nodes come in
//! as arguments; decisions go out as values. That is why every rule of this crate can be tested as a function.
//!
//! | module | what it decides |
//! |---|---|
//! | [`topology`], [`placement`], [`quorum`], [`coverage`] | where a document lives, who must hear of a write, who serves a search |
//! | [`document`], [`payload`], [`write`] | what a document is, how a request body becomes documents routed to nodes |
//! | [`index`], [`settings`] | what placement needs to know of an index; what nodes are told in its settings |
//! | [`task`] | how many node tasks become the one task a client sees |
//! | [`search`] | how one query becomes many, and many answers one |
//! | [`health`] | when a node is trusted |
//! | [`canary`] | what a stored search demands of its answer, and when it runs |
//! | [`change`] | what a write changed, as events for others to follow |
//! | [`role`] | what one instance does for all, and which one |
//! | [`alias`], [`session`], [`job`] | what the rows of these tables mean and how they change |
//! | [`tenant`], [`rollover`], [`search_ui`], [`admin_session`] | likewise, for the tables of tenants, policies, pages and log-ins |
//! | [`error`], [`wording`], [`json`] | how a refusal is told; what may be said of any JSON |

pub mod admin_session;
pub mod alias;
pub mod canary;
pub mod change;
pub mod coverage;
pub mod document;
pub mod error;
pub mod health;
mod id;
pub mod index;
pub mod job;
pub mod json;
pub mod payload;
pub mod placement;
pub mod quorum;
pub mod replica;
pub mod role;
pub mod rollover;
pub mod row;
pub mod search;
pub mod search_ui;
pub mod session;
pub mod settings;
pub mod stats;
pub mod task;
pub mod tenant;
mod time;
pub mod topology;
pub mod word;
pub mod wording;
pub mod write;

pub use id::{GroupId, IndexUid, InstanceId, InvalidId, NodeId, Shard, ShardSet, SinkName, TaskUid};
pub use time::{InvalidTimestamp, Timestamp};
