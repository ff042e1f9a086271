//! Table 1, `tasks`.

mod counted;
pub(crate) mod list;
mod pointed;
mod ranged;
mod row;
pub(crate) mod table;
mod window;
