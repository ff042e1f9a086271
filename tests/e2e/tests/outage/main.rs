//! Nodes that stop, hang, lie and come back, seen by a client of Miroir.

mod degraded;
mod fixture;
mod misbehaving;
mod nobody;
mod returning;
