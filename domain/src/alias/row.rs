//! The rows of `aliases`.

use serde::{Deserialize, Serialize};

use crate::error::{ErrorCode, InvalidRequest};
use crate::row::InvalidRow;
use crate::{IndexUid, Timestamp};

/// The target of an alias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AliasTarget {
    /// One index, read and written.
    Single(IndexUid),
    /// Several indexes, read only.
    Multi(Vec<IndexUid>),
}

impl AliasTarget {
    /// Returns the indexes, in the order in which a read queries them.
    pub fn indexes(&self) -> &[IndexUid] {
        match self {
            Self::Single(index) => std::slice::from_ref(index),
            Self::Multi(indexes) => indexes,
        }
    }
}

/// A former state of an alias, before a flip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasState {
    /// The former target.
    pub target: AliasTarget,
    /// The version of the alias in that state.
    pub version: u64,
    /// The instant of the flip that ended the state.
    pub ended_at: Timestamp,
}

/// One row of `aliases`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// The name. It has the form of an index uid, because it is accepted wherever an index uid is.
    pub name: IndexUid,
    /// The present target.
    pub target: AliasTarget,
    /// The number of flips plus one; conditional writes compare it. A new alias has 1.
    pub version: u64,
    /// The instant of its creation.
    pub created_at: Timestamp,
    /// The former states, newest first.
    pub history: Vec<AliasState>,
}

impl Alias {
    /// Refuses an alias of several indexes: only its rollover policy changes it.
    pub fn require_single(&self) -> Result<(), InvalidRequest> {
        match self.target {
            AliasTarget::Single(_) => Ok(()),
            AliasTarget::Multi(_) => Err(InvalidRequest::new(
                ErrorCode::MiroirMultiAliasNotWritable,
                format!(
                    "Alias `{}` has several indexes as its target: only its rollover policy changes it. Delete it and create it again.",
                    self.name
                ),
            )),
        }
    }

    /// Refuses to swap the alias with itself.
    pub fn check_swap(&self, other: &Self) -> Result<(), InvalidRow> {
        if self.name != other.name {
            return Ok(());
        }
        Err(InvalidRow::new(format!("alias `{}` cannot be swapped with itself", self.name)))
    }

    /// Returns the alias with the new `target`, its present state in front of a history of at most `keep`
    /// entries. The version stays: the store raises it when it stores the row.
    #[must_use]
    pub fn flipped(self, target: AliasTarget, now: Timestamp, keep: usize) -> Self {
        let ended = AliasState { target: self.target, version: self.version, ended_at: now };
        let history = std::iter::once(ended).chain(self.history).take(keep).collect();
        Self { target, history, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn single(uid: &str) -> AliasTarget {
        AliasTarget::Single(uid.parse().unwrap())
    }

    #[test]
    fn flipped_keeps_the_last_states_newest_first() {
        let mut alias = Alias {
            name: "films".parse().unwrap(),
            target: single("v0"),
            version: 1,
            created_at: Timestamp::from_millis(0),
            history: Vec::new(),
        };
        for round in 1..5 {
            alias = alias.flipped(single(&format!("v{round}")), Timestamp::from_millis(round), 2);
        }
        assert_eq!(alias.target, single("v4"));
        let former: Vec<_> = alias.history.into_iter().map(|state| state.target).collect();
        assert_eq!(former, [single("v3"), single("v2")]);
    }

    #[test]
    fn flipped_keeps_no_states_without_a_history() {
        let alias = Alias {
            name: "films".parse().unwrap(),
            target: single("a"),
            version: 1,
            created_at: Timestamp::from_millis(0),
            history: Vec::new(),
        };
        assert_eq!(alias.flipped(single("b"), Timestamp::from_millis(1), 0).history, []);
    }
}
