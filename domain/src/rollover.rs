//! Rolling indexes: when a write alias moves to a fresh index.

use serde_json::Value;

use crate::IndexUid;

/// One row of `rollover_policies`.
#[derive(Debug, Clone, PartialEq)]
pub struct RolloverPolicy {
    /// Its name.
    pub name: String,
    /// The alias that is written to.
    pub write_alias: IndexUid,
    /// The alias that reads all indexes of the policy.
    pub read_alias: IndexUid,
    /// How the indexes are called, with a date.
    pub pattern: String,
    /// What makes the write alias move: documents, age, bytes.
    pub triggers: Value,
    /// How long indexes are kept.
    pub retention: Value,
    /// What a fresh index is made of.
    pub template: Value,
    /// Whether it is evaluated.
    pub enabled: bool,
    /// Counts changes; a new row has 1.
    pub version: u64,
}
