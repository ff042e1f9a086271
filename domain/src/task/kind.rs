//! Meilisearch's task types.

use crate::word::words;

words! {
    /// The `type` of a task. Miroir creates a few of them; filters accept them all.
    pub enum TaskKind("task type", "types") {
        /// Documents added, replaced or updated.
        DocumentAdditionOrUpdate = "documentAdditionOrUpdate",
        /// Documents edited by a function.
        DocumentEdition = "documentEdition",
        /// Documents deleted by id, by filter, or all.
        DocumentDeletion = "documentDeletion",
        /// Settings changed or reset.
        SettingsUpdate = "settingsUpdate",
        /// An index created.
        IndexCreation = "indexCreation",
        /// An index deleted.
        IndexDeletion = "indexDeletion",
        /// An index's primary key or name changed.
        IndexUpdate = "indexUpdate",
        /// Indexes swapped.
        IndexSwap = "indexSwap",
        /// Tasks canceled.
        TaskCancelation = "taskCancelation",
        /// Tasks deleted.
        TaskDeletion = "taskDeletion",
        /// A dump made.
        DumpCreation = "dumpCreation",
        /// A snapshot made.
        SnapshotCreation = "snapshotCreation",
        /// Documents exported to another server.
        Export = "export",
        /// The database format upgraded.
        UpgradeDatabase = "upgradeDatabase",
        /// An index compacted.
        IndexCompaction = "indexCompaction",
        /// The network topology changed.
        NetworkTopologyChange = "networkTopologyChange",
        /// Dynamic search rules updated.
        DsrUpdate = "dsrUpdate",
        /// Dynamic search rules cleared.
        DsrClear = "dsrClear",
    }
}
