//! The tasks of the cluster: recorded, changed on condition, read page by page.

mod amend;
mod decision;
mod log;
mod uids;

pub use log::{TaskLog, of_index, unfinished_of_index};
pub use uids::GivenUids;
