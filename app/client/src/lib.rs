//! The command-line client of a running Miroir: one module per group of commands, over what they share.
//!
//! | module | contents |
//! |---|---|
//! | [`task`], [`alias`], [`canary`], [`cdc`], [`topology`], [`lease`], [`job`] | the groups of commands |
//! | [`group`] | a group of commands, with the options that all groups share |
//! | [`failure`] | why a command fails, with its exit code and what to do about it |
//! | `reach` | the URL and the keys of the server: flags and variables |
//! | `client` | one request and its response, within its time |
//! | `session` | what a command works with |
//! | `page` | the options of lists |
//! | `output` | the server's JSON for programs, text for people |
//! | `table`, `text`, `time`, `value` | text for people, made of JSON that others wrote |
//! | `definition`, `follow`, `event_text`, `canary_text` | files of definitions, changes as they come, events and canaries for people |
//! | `progress` | progress of long work, on a terminal |

pub mod alias;
pub mod canary;
mod canary_text;
pub mod cdc;
mod client;
mod definition;
mod event_text;
pub mod failure;
mod follow;
pub mod group;
pub mod job;
pub mod lease;
mod output;
mod page;
mod progress;
mod reach;
mod session;
mod table;
pub mod task;
mod text;
mod time;
pub mod topology;
mod value;

pub use failure::Failure;
pub use group::Group;
pub use session::Session;
