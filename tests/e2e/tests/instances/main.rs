//! Several instances side by side on one Redis server, from outside.

mod aliases;
mod clocks;
mod cut_off;
mod duties;
mod fixture;
mod redis;
mod storm;
mod takeover;
mod together;
