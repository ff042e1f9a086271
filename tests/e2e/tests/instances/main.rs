//! Several instances side by side on one Redis server, from outside.

mod aliases;
mod clocks;
mod duties;
mod fixture;
#[path = "../change/ledger.rs"]
mod ledger;
#[path = "../change/receiver.rs"]
mod receiver;
mod redis;
mod takeover;
mod together;
