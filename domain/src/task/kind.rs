//! What a task does: Meilisearch's task types.

use std::str::FromStr;

use crate::wording;
use serde::{Deserialize, Serialize};

macro_rules! task_kinds {
    ($($(#[$doc:meta])* $variant:ident = $word:literal;)*) => {
        /// The `type` of a task. Miroir creates a few of them; filters accept them all.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub enum TaskKind { $($(#[$doc])* $variant,)* }

        impl TaskKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word in task objects.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

task_kinds! {
    /// Documents added, replaced or updated.
    DocumentAdditionOrUpdate = "documentAdditionOrUpdate";
    /// Documents edited by a function.
    DocumentEdition = "documentEdition";
    /// Documents deleted by id, by filter, or all.
    DocumentDeletion = "documentDeletion";
    /// Settings changed or reset.
    SettingsUpdate = "settingsUpdate";
    /// An index created.
    IndexCreation = "indexCreation";
    /// An index deleted.
    IndexDeletion = "indexDeletion";
    /// An index's primary key or name changed.
    IndexUpdate = "indexUpdate";
    /// Indexes swapped.
    IndexSwap = "indexSwap";
    /// Tasks canceled.
    TaskCancelation = "taskCancelation";
    /// Tasks deleted.
    TaskDeletion = "taskDeletion";
    /// A dump made.
    DumpCreation = "dumpCreation";
    /// A snapshot made.
    SnapshotCreation = "snapshotCreation";
    /// Documents exported to another server.
    Export = "export";
    /// The database format upgraded.
    UpgradeDatabase = "upgradeDatabase";
    /// An index compacted.
    IndexCompaction = "indexCompaction";
    /// The network topology changed.
    NetworkTopologyChange = "networkTopologyChange";
    /// Dynamic search rules updated.
    DsrUpdate = "dsrUpdate";
    /// Dynamic search rules cleared.
    DsrClear = "dsrClear";
}

/// A word that is no task type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a valid task type. Available types are {words}.",
    words = wording::list(TaskKind::ALL.iter().map(|kind| kind.as_str()))
)]
pub struct UnknownKind(String);

impl FromStr for TaskKind {
    type Err = UnknownKind;
    fn from_str(word: &str) -> Result<Self, UnknownKind> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(word))
            .ok_or_else(|| UnknownKind(word.chars().take(80).collect()))
    }
}
