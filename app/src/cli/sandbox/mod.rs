//! Commands that start a cluster of their own, to try Miroir.
//!
//! | module | contents |
//! |---|---|
//! | `dev` | `miroir dev` |
//! | `demo` | `miroir demo` |
//! | `cluster` | the nodes: simulated, or real servers |
//! | `films` | the films and how they are loaded |
//! | `client` | a client that prints its requests as `curl` commands |

mod client;
mod cluster;
pub(super) mod demo;
pub(super) mod dev;
mod films;
