//! Table 1, `tasks`.

mod counted;
mod list;
mod pointed;
mod ranged;
mod row;
mod table;
