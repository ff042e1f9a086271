//! The core of Miroir: the use cases that implement the inbound ports, and the background work.
//!
//! It depends on the ports and the domain alone. Adapters and configuration are chosen by the crate `miroir`.
//!
//! | module | contents |
//! |---|---|
//! | [`service`] | one service per inbound port |
//! | [`alias`] | names resolved to indexes |
//! | [`read`] | reads from nodes: fan-out, first response, facts of indexes |
//! | [`cluster`] | what a term of the writes has: placements, write order, registry, dispatch |
//! | [`replica`] | replica states |
//! | [`node`] | the health of nodes |
//! | [`worker`] | background work of the leader: polling, reconciling, repair, pruning |
//! | [`instance`] | leases, roles, and the instances that share a store |
//! | [`canary`] | stored searches, run on a schedule |
//! | [`change`] | change data capture |
//! | [`gauge`] | the gauges of this instance |
//! | `detached`, `listing`, `ttl_cache` | small helpers |

pub mod alias;
pub mod canary;
pub mod change;
pub mod cluster;
mod detached;
pub mod gauge;
pub mod instance;
mod listing;
pub mod node;
pub mod read;
pub mod replica;
pub mod service;
mod ttl_cache;
pub mod worker;
