//! Servers for tests.
//!
//! | module | its part |
//! |---|---|
//! | `program` | a server program of this machine, such as `redis-server` |

mod program;

pub use program::{Program, Server, Setup, free_port};
