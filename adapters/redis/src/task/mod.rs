//! Table 1, `tasks`: a hash for each task, and sorted sets of tasks by the properties that clients filter by.

mod list;
mod range;
mod replacement;
mod row;
mod table;
