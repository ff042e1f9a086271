//! The commands of the client for a running Miroir, run as a process.

mod canned;
mod every;
mod failing;
mod fixture;
mod follow;
mod shell;
mod terminal;
mod tool;
