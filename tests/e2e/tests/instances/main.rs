//! Several instances side by side on one Redis server, from outside.

mod aliases;
mod clocks;
mod cut_off;
mod fixture;
mod redis;
mod roles;
mod storm;
mod takeover;
mod together;
