//! Several instances on one Redis server, end to end.

mod aliases;
mod clocks;
mod cut_off;
mod fixture;
mod redis;
mod roles;
mod storm;
mod takeover;
mod together;
