//! Table 1, `tasks`: a hash for each task, and sorted sets that name tasks by what clients filter by.

mod list;
mod range;
pub(crate) mod replacement;
mod row;
mod table;
