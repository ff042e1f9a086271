//! An alias as operators see it.

use serde::Serialize;

use super::{Alias, AliasTarget};
use crate::{IndexUid, Timestamp};

/// `target` for one index, `targets` for several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum TargetView {
    Single { target: IndexUid },
    Multi { targets: Vec<IndexUid> },
}

/// A former state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct StateView {
    #[serde(flatten)]
    target: TargetView,
    version: u64,
    ended_at: Timestamp,
}

/// `{name, target | targets, version, createdAt, history}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AliasView {
    name: IndexUid,
    #[serde(flatten)]
    target: TargetView,
    /// The version that `If-Match` is compared with.
    pub version: u64,
    created_at: Timestamp,
    history: Vec<StateView>,
}

impl From<AliasTarget> for TargetView {
    fn from(target: AliasTarget) -> Self {
        match target {
            AliasTarget::Single(target) => Self::Single { target },
            AliasTarget::Multi(targets) => Self::Multi { targets },
        }
    }
}

impl From<Alias> for AliasView {
    fn from(alias: Alias) -> Self {
        let state = |state: super::AliasState| StateView {
            target: state.target.into(),
            version: state.version,
            ended_at: state.ended_at,
        };
        Self {
            name: alias.name,
            target: alias.target.into(),
            version: alias.version,
            created_at: alias.created_at,
            history: alias.history.into_iter().map(state).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shows_target_version_and_history() {
        let alias = Alias {
            name: "films".parse().unwrap(),
            target: AliasTarget::Multi(vec!["a".parse().unwrap()]),
            version: 1,
            created_at: Timestamp::from_millis(0),
            history: Vec::new(),
        };
        let flipped =
            alias.flipped(AliasTarget::Single("b".parse().unwrap()), Timestamp::from_millis(1_000), 5);
        let shown = serde_json::to_value(AliasView::from(flipped)).unwrap();
        let expected = json!({
            "name": "films", "target": "b", "version": 1, "createdAt": Timestamp::from_millis(0),
            "history": [{ "targets": ["a"], "version": 1, "endedAt": Timestamp::from_millis(1_000) }],
        });
        assert_eq!(shown, expected);
    }
}
