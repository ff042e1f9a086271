//! Servers for tests.
//!
//! | module | its part |
//! |---|---|
//! | `program` | a server program of this machine, such as `redis-server` |
//! | `scripted` | a server of raw TCP that follows a script and keeps the requests that it receives |

mod program;
mod scripted;

pub use program::{Program, Server, Setup, free_port};
pub use scripted::{Reply, Request, ScriptedServer, response};
