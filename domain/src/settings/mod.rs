//! Index settings: their names and sub-routes, and the forms in which nodes and clients see them.
//!
//! | module | subject |
//! |---|---|
//! | `setting` | every setting with its route, key, method and error code |
//! | `shape`, `check`, `ranking_rule`, `reserved` | the values that a setting takes |
//! | `change`, `validate` | a client's change of settings, and its refusals |
//! | `nodes` | the change as nodes are sent it; the settings of a node as clients see them |
//! | `details` | the change as the details of its task |
//! | `canonical`, `default`, `embedder` | the canonical form of settings, with its hash |
//! | `secret` | the keys of embedders, which are cut where settings are shown or stored |
//! | `fold` | the settings of an index after a change |
//! | `committed` | the rows of the table `committed_settings`, and their transitions |
//! | `node_change` | the change that gives a node the committed settings |

mod canonical;
mod change;
mod check;
mod committed;
mod default;
mod details;
mod embedder;
mod fold;
mod node_change;
mod nodes;
mod ranking_rule;
mod reserved;
mod secret;
mod setting;
mod shape;
mod validate;

pub use canonical::{canonical, canonical_of_node, settings_hash};
pub use change::{SettingsAction, SettingsChange};
pub use committed::{CommittedSettings, Proposal};
pub use fold::{SealedSettings, fold};
pub use node_change::{change_for_node, unmet_settings};
pub use nodes::{for_client, initial_for_nodes, is_filterable_by_shard};
pub use secret::{secret_pointers, take_secrets};
pub use setting::{Setting, UpdateMethod};

#[cfg(test)]
mod tests;
