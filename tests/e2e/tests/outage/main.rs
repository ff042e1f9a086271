//! Nodes that stop, hang, return wrong responses and come back, seen by a client of Miroir.

mod all_down;
mod degraded;
mod fixture;
mod forgotten;
mod identity;
mod lost_store;
mod misbehaving;
mod restored;
mod returning;
mod topology;
mod under_writes;
mod wrong_key;
