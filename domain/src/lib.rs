//! The pure core of Miroir: every rule that makes several Meilisearch nodes behave as one server.
//!
//! Nothing here waits, reads a clock, opens a socket or uses randomness. Time, randomness and responses of
//! nodes come in as arguments; decisions go out as values. That is why every rule of this crate can be tested
//! as a function.
//!
//! | module | subject |
//! |---|---|
//! | [`topology`], [`placement`] | the nodes of a cluster, and the shards that each keeps |
//! | [`quorum`], [`coverage`] | the verdict on a write; the shards that can be read and written |
//! | [`document`], [`payload`], [`mod@write`] | documents, and a body cut into one part per node |
//! | [`index`], [`settings`] | the registry entry of an index; its settings for clients and nodes |
//! | [`task`] | many node tasks as the one task that a client sees |
//! | [`replica`] | the differences between replicas after missed writes |
//! | [`search`] | one query as many, and many responses as one |
//! | [`health`] | the health of a node, by the outcomes of its requests |
//! | [`canary`] | stored searches with assertions, and their schedule |
//! | [`change`] | the change events of a write |
//! | [`role`] | work that exactly one instance does, and the choice of that instance |
//! | [`alias`], [`session`], [`job`] | the rows of these tables and their transitions |
//! | [`tenant`], [`rollover`], [`search_ui`], [`admin_session`] | the rows of these tables |
//! | [`row`] | rules that every store applies to its rows |
//! | [`error`], [`wording`], [`word`], [`json`] | errors; enums of words; limits of JSON |
//!
//! # Use in a test harness
//!
//! A harness needs no server, store or network: it keeps its own model of the nodes, and calls this crate for
//! every decision about them. The same arguments give the same values, so a failure can be repeated from its
//! inputs alone, and a model of hundreds of nodes runs in milliseconds.
//!
//! ## A cluster
//!
//! A [`Topology`](topology::Topology) is a validated list of nodes. A [`Placement`](placement::Placement)
//! follows from it and the number of shards alone, on every instance alike.
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::sync::Arc;
//!
//! use miroir_domain::document::PrimaryKey;
//! use miroir_domain::payload::{Payload, PayloadFormat};
//! use miroir_domain::placement::Placement;
//! use miroir_domain::quorum::judge_write;
//! use miroir_domain::standing::Standing;
//! use miroir_domain::topology::{Node, Topology};
//! use miroir_domain::{GroupId, NodeId};
//!
//! let node = |name: &str| Node { id: name.parse().unwrap(), group: GroupId(0) };
//! let topology = Topology::new(vec![node("a"), node("b"), node("c")], 2, Some(1))?;
//! let placement = Placement::new(&topology, 8);
//!
//! // A write: the body becomes one part for each node that keeps any of its documents.
//! let body = r#"[{"id": 1, "title": "Alien"}, {"id": 2, "title": "Brazil"}, {"id": 3, "title": "Cube"}]"#;
//! let key = PrimaryKey::parse("id")?;
//! let index = "movies".parse()?;
//! let payload = Arc::new(Payload::parse(PayloadFormat::Json, body.into(), &index, Some(&key), 8)?);
//! let mut nodes: BTreeMap<NodeId, Vec<u8>> = BTreeMap::new();
//! for (node, shards) in placement.write_targets(&payload.shards()) {
//!     if node.as_str() == "c" {
//!         continue; // The harness lets this node miss the write.
//!     }
//!     let stored = nodes.entry(node).or_default();
//!     payload.part(&shards).chunks().for_each(|chunk| stored.extend(chunk));
//! }
//!
//! // One acknowledgement is a quorum here, and two of three nodes keep each shard, so the write took.
//! let acknowledged = |node: &NodeId| nodes.contains_key(node);
//! let in_sync = |_: &NodeId, _| Standing::InSync;
//! let verdict = judge_write(&topology, &placement, &payload.shards(), &acknowledged, &in_sync);
//! assert!(verdict.unwritten.is_empty());
//!
//! // Any two nodes cover all shards: every document can be read while `c` is down.
//! let covering = placement.covering_set(&[GroupId(0)], &|node| nodes.contains_key(node).then_some(0));
//! assert!(covering.uncovered.is_empty());
//! let read: usize = covering.nodes.values().map(|shards| payload.part(shards).document_count()).sum();
//! assert_eq!(read, 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ## The rest of a request
//!
//! - A write is recorded as a [`NewTask`](task::NewTask). The harness turns the actions of its nodes into
//!   [`Event`](task::Event)s and calls [`Task::apply`](task::Task::apply) with an instant of its choice. The
//!   order of the reports is its choice as well; an event that comes twice changes nothing.
//! - The outcomes of one write, with nodes that refuse, fail or stay silent, are
//!   [`WriteOutcomes`](task::WriteOutcomes). [`MissedWrite`](replica::MissedWrite) decides which replicas
//!   they leave stale.
//! - A search is a [`SearchRequest`](search::SearchRequest). The harness responds to its
//!   [`for_node`](search::SearchRequest::for_node) for each node of a covering set, and
//!   [`merge`](search::merge) makes one response of theirs.
//! - The health of a node is a [`NodeHealth`](health::NodeHealth) that observes one outcome after the other.
//!
//! ## Properties worth testing
//!
//! - A write that [`judge_write`](quorum::judge_write) accepts is found by every covering set of nodes that
//!   acknowledged it.
//! - Pages of a merged search tile: no hit is missing, and none is shown twice.
//! - A finished task never changes its status, whatever events follow.
//! - A node that joins a group takes its share of shards, and no shard moves between two nodes that were
//!   there.
//!
//! Inputs need care in three places. Names are parsed ([`NodeId`], [`IndexUid`]), so a generator has to keep
//! to their alphabet. [`Payload::parse`](payload::Payload::parse) distinguishes a refused body from a task
//! that fails. The order of the responses given to [`merge`](search::merge) decides between hits that are
//! equal otherwise.

pub mod admin_session;
pub mod alias;
pub mod canary;
pub mod change;
pub mod coverage;
pub mod document;
pub mod error;
pub mod health;
mod id;
pub mod identity;
pub mod index;
pub mod job;
pub mod json;
pub mod payload;
mod physical_uid;
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
pub mod standing;
pub mod stats;
pub mod task;
pub mod tenant;
mod time;
pub mod topology;
pub mod word;
pub mod wording;
pub mod write;

pub use id::{
    GroupId, IndexUid, InstanceId, InvalidId, NodeId, PhysicalUid, Shard, ShardSet, SinkName, TaskUid,
};
pub use time::{InvalidTimestamp, Timestamp};
