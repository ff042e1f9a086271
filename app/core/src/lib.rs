//! The core of Miroir: the use cases that implement the inbound ports, and the background work.
//!
//! It depends on the ports and the domain alone. Adapters and configuration are chosen by the crate `miroir`.
//!
//! | module | contents |
//! |---|---|
//! | [`service`] | most inbound ports, one service each |
//! | [`alias`] | names resolved to indexes |
//! | [`read`] | reads from nodes: fan-out, first response, facts of indexes |
//! | [`cluster`] | the active cluster, and its parts |
//! | [`placement`] | the topology, and the placement of shards |
//! | [`order`] | the order of writes: index locks, write queues, tasks being sent |
//! | [`registry`] | the index registry |
//! | [`task`] | the tasks: recorded, changed, read page by page |
//! | [`mod@write`] | one write: planned, recorded, sent, judged |
//! | [`replica`] | replica states |
//! | [`node`] | calls to nodes, and their health |
//! | [`identity`] | the identity of the cluster and of the data on its nodes |
//! | [`admission`] | nodes that are taken in |
//! | [`worker`] | background work of the leader: polling, reconciling, repair, pruning |
//! | [`instance`] | leases, roles, and the instances that share a store |
//! | [`infrastructure`] | the clients, clock and counters of an instance |
//! | [`leader`] | the work of the leader, for a term |
//! | [`canary`] | stored searches, run on a schedule |
//! | [`change`] | change data capture |
//! | [`gauge`] | the gauges of this instance |
//! | `detached`, `listing`, `ttl_cache` | small helpers |

pub mod admission;
pub mod alias;
pub mod canary;
pub mod change;
pub mod cluster;
mod detached;
pub mod gauge;
pub mod identity;
pub mod infrastructure;
pub mod instance;
pub mod leader;
mod listing;
pub mod node;
pub mod order;
pub mod placement;
pub mod read;
pub mod registry;
pub mod replica;
pub mod restored;
pub mod service;
pub mod settings;
pub mod task;
mod ttl_cache;
pub mod worker;
pub mod write;
