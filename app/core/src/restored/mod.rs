//! Task stores that do not have the newest writes: one that was restored from a backup, that lost its last
//! changes in a failover, or that was rebuilt after a loss.
//!
//! The nodes know it: the marker of their newest write is that of a task which the store has not given yet. A
//! new epoch begins then. Indexes that the store does not know are taken over from the nodes, and every
//! replica is suspect until it was compared with the others.

mod error;
mod examine;
mod index;
mod rebuild;
mod renew;

pub use error::ExamineError;
pub use examine::{Examined, examine};
pub use rebuild::{RebuildError, Rebuilt, rebuild};
pub use renew::renew;
