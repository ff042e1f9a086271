//! The tasks of the cluster: recorded, changed on condition, read page by page.

mod amend;
mod log;

pub use log::{TaskLog, of_index, unfinished_of_index};
