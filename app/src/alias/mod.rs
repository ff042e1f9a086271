//! Aliases: names that stand for indexes.
//!
//! | module | what it does |
//! |---|---|
//! | `book` | what a name stands for now, remembered for a moment |
//! | `door` | the client's ports: every name they are given is looked up before the services see it |
//! | `service` | aliases made, flipped, swapped, removed |

mod book;
mod door;
mod service;

pub use book::AliasBook;
pub use door::Aliased;
pub use service::AliasService;
