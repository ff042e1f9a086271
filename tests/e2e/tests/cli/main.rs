//! The commands that talk to a running Miroir, run as a person or a program runs them.

mod canned;
mod every;
mod failing;
mod follow;
mod shell;
mod stage;
mod terminal;
mod tool;
