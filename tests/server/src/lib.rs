//! Servers for tests.
//!
//! | module | its part |
//! |---|---|
//! | `port` | addresses that no other test gets |
//! | `program` | a server program of this machine, such as `redis-server` |
//! | `scripted` | a server of raw TCP that follows a script and keeps the requests that it receives |

mod port;
mod program;
mod scripted;

pub use port::free_address;
pub use program::{Program, Server, Setup};
pub use scripted::{Reply, Request, ScriptedServer, response};
