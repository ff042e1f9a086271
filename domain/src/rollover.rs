//! Rolling indexes: policies by which a write alias moves to a fresh index.

use serde_json::Value;

use crate::IndexUid;
use crate::row::{InvalidRow, check_json};

/// One row of `rollover_policies`.
#[derive(Debug, Clone, PartialEq)]
pub struct RolloverPolicy {
    /// Its name.
    pub name: String,
    /// The alias for writes.
    pub write_alias: IndexUid,
    /// The alias that reads all indexes of the policy.
    pub read_alias: IndexUid,
    /// The pattern of the indexes' names, with a date.
    pub pattern: String,
    /// The conditions on which the write alias moves: documents, age, bytes.
    pub triggers: Value,
    /// The time for which indexes are kept.
    pub retention: Value,
    /// The settings of a fresh index.
    pub template: Value,
    /// True if the policy is evaluated.
    pub enabled: bool,
    /// The number of changes plus one.
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
