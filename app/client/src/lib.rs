//! The command-line client of a running Miroir: one module per group of commands, and shared modules.
//!
//! | module | contents |
//! |---|---|
//! | [`task`], [`alias`], [`canary`], [`cdc`] | the groups of commands about data |
//! | [`node`], [`topology`], [`lease`], [`job`] | the groups of commands about the cluster |
//! | [`group`] | a group of commands, with the options that all groups share |
//! | [`failure`] | why a command fails, with its exit code and what to do about it |
//! | `connection` | the options with URL and keys of the server |
//! | `client` | requests and responses, with a time limit |
//! | `session` | the client and the output of a command |
//! | `page` | the options of lists |
//! | `output` | output as JSON or as text |
//! | `table`, `text`, `time`, `value` | the text of JSON from the server |
//! | `definition` | definitions in files |
//! | `follow` | following the feed of changes |
//! | `event_text`, `canary_text` | the text of events and canaries |
//! | `progress` | progress of long work, on a terminal |

pub mod alias;
pub mod canary;
mod canary_text;
pub mod cdc;
mod client;
mod connection;
mod definition;
mod event_text;
pub mod failure;
mod follow;
pub mod group;
pub mod job;
pub mod lease;
pub mod node;
mod output;
mod page;
mod progress;
mod session;
mod table;
pub mod task;
mod text;
mod time;
pub mod topology;
mod value;

pub use failure::Failure;
pub use group::{Group, GroupOptions};
pub use session::Session;
