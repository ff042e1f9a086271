//! Table 1, `tasks`.

mod counted;
pub(crate) mod list;
mod pointed;
mod ranged;
mod replacement;
mod row;
mod table;
mod window;
