//! Aliases: a name for one index, or for several that are read as one.

mod change;
mod row;
mod view;

pub use change::{AliasChange, NewAlias};
pub use row::{Alias, AliasState, AliasTarget};
pub use view::AliasView;
