//! Nodes that stop, hang, return wrong responses and come back, seen by a client of Miroir.

mod all_down;
mod degraded;
mod fixture;
mod forgotten;
mod misbehaving;
mod returning;
mod wrong_key;
