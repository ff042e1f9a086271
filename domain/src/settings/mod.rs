//! Index settings: their names and sub-routes, and the forms in which nodes and clients see them.
//!
//! | module | subject |
//! |---|---|
//! | `setting` | every setting with its route, key, method and error code |
//! | `shape`, `check`, `ranking_rule`, `reserved` | the values that a setting takes |
//! | `change`, `validate` | a client's change of settings, and its refusals |
//! | `nodes` | the change as nodes are sent it; the settings of a node as clients see them |
//! | `details` | the change as the details of its task |
//! | `fold` | several changes in as few requests as possible |

mod change;
mod check;
mod details;
mod fold;
mod nodes;
mod ranking_rule;
mod reserved;
mod setting;
mod shape;
mod validate;

pub use change::{SettingsAction, SettingsChange};
pub use fold::fold;
pub use nodes::{as_change, for_client, initial_for_nodes, is_filterable_by_shard};
pub use setting::{Setting, UpdateMethod};

#[cfg(test)]
mod tests;
