//! Services and workers over nodes in memory: what a client's request does when everything goes well, and
//! when anything does not.
//!
//! Time is the runtime's and paused, so that waiting costs nothing and nothing depends on the machine's
//! speed.

#[path = "core/alias.rs"]
mod alias;
#[path = "core/canary/mod.rs"]
mod canary;
#[path = "core/change/mod.rs"]
mod change;
#[path = "core/committed.rs"]
mod committed;
#[path = "core/instance.rs"]
mod instance;
#[path = "core/lost.rs"]
mod lost;
#[path = "core/metrics.rs"]
mod metrics;
#[path = "core/order.rs"]
mod order;
#[path = "core/physical_uid.rs"]
mod physical_uid;
#[path = "core/poller.rs"]
mod poller;
#[path = "core/quorum.rs"]
mod quorum;
#[path = "core/repair.rs"]
mod repair;
#[path = "core/repair_writes.rs"]
mod repair_writes;
#[path = "core/replica.rs"]
mod replica;
#[path = "core/restart.rs"]
mod restart;
#[path = "core/search.rs"]
mod search;
#[path = "core/settings.rs"]
mod settings;
#[path = "core/standing.rs"]
mod standing;
#[path = "core/storm.rs"]
mod storm;
mod support;
#[path = "core/write.rs"]
mod write;
