//! Rolling indexes: when a write alias moves to a fresh index.

use serde_json::Value;

use crate::IndexUid;
use crate::row::{InvalidRow, check_json};

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

impl RolloverPolicy {
    /// Refuses a policy whose JSON nests too deeply to be read back.
    pub fn check(&self) -> Result<(), InvalidRow> {
        check_json("the triggers of a policy", &self.triggers)?;
        check_json("the retention of a policy", &self.retention)?;
        check_json("the template of a policy", &self.template)
    }
}
