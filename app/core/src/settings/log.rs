//! The rows of committed settings: begun with an index, changed by the tasks that change its settings.

use std::collections::BTreeMap;
use std::sync::Arc;

use miroir_domain::index::IndexEntry;
use miroir_domain::settings::{CommittedSettings, Proposal, SealedSettings, SettingsChange};
use miroir_domain::task::{Task, TaskKind, TaskStatus};
use miroir_domain::{PhysicalUid, TaskUid};
use miroir_ports::outbound::{Clock, Put, SealError, Sealer, StoreError, TaskStore};

/// The number of attempts to add a change to a row while changes before it end.
const ATTEMPTS: u32 = 64;

/// The keys of embedders that could be opened, by their pointers, and the errors of the others.
pub type OpenedKeys = (BTreeMap<String, String>, BTreeMap<String, SealError>);

/// The committed settings in the store.
pub struct SettingsLog {
    store: Arc<dyn TaskStore>,
    clock: Arc<dyn Clock>,
    sealer: Arc<dyn Sealer>,
}

impl SettingsLog {
    /// Creates the log over a store. Keys of embedders are sealed by `sealer`.
    pub fn new(store: Arc<dyn TaskStore>, clock: Arc<dyn Clock>, sealer: Arc<dyn Sealer>) -> Self {
        Self { store, clock, sealer }
    }

    /// Returns the row of `index`, if there is one.
    pub async fn get(&self, index: &PhysicalUid) -> Result<Option<CommittedSettings>, StoreError> {
        self.store.settings_get(index).await
    }

    /// Stores the row of a new index. The caller holds the write lock of the index.
    pub async fn begin(&self, index: &PhysicalUid) -> Result<(), StoreError> {
        self.store.settings_replace(&CommittedSettings::of_new_index(index.clone(), self.clock.now())).await
    }

    /// Stores the row of an index that was not deleted after all.
    pub async fn restore(&self, row: &CommittedSettings) -> Result<(), StoreError> {
        self.store.settings_replace(row).await
    }

    /// Removes the row of a deleted index.
    pub async fn forget(&self, index: &PhysicalUid) -> Result<(), StoreError> {
        self.store.settings_forget(index).await.map(drop)
    }

    /// Replaces the row if it is the one that was read. Returns whether it was.
    pub async fn put(&self, row: &CommittedSettings) -> Result<bool, StoreError> {
        Ok(self.store.settings_put(row).await? == Put::Stored)
    }

    /// Adds `change`, which is about to be sent by `task`, to the row of the index. `entry` is the registry
    /// entry after it. The caller holds the write lock of the index.
    pub async fn propose(
        &self,
        entry: &IndexEntry,
        task: TaskUid,
        change: &SettingsChange,
    ) -> Result<(), StoreError> {
        let seal = |pointer: &str, key: &str| self.sealer.seal(key, &place(&entry.physical_uid, pointer));
        let change = SealedSettings::of_change(change, seal);
        let settings_version = entry.settings_version;
        let proposal = Proposal { task, settings_version, change, succeeded: false };
        for _ in 0..ATTEMPTS {
            let now = self.clock.now();
            let Some(row) = self.get(&entry.physical_uid).await? else {
                // An index of an older Miroir: its settings are read from a node later.
                let known = settings_version.saturating_sub(1);
                let row = CommittedSettings::unknown(entry.physical_uid.clone(), known, now)
                    .proposed(proposal, now);
                return self.store.settings_replace(&row).await;
            };
            if self.put(&row.proposed(proposal.clone(), now)).await? {
                return Ok(());
            }
        }
        let index = &entry.uid;
        Err(StoreError::Contended(format!(
            "the settings of index `{index}` changed {ATTEMPTS} times meanwhile"
        )))
    }

    /// Returns the row after `task` has ended, to be stored with its end. Returns `None` if the task changes
    /// no settings.
    pub async fn after(&self, task: &Task) -> Result<Option<CommittedSettings>, StoreError> {
        let (TaskKind::SettingsUpdate, Some(index)) = (task.kind, task.physical_index()) else {
            return Ok(None);
        };
        let succeeded = task.status == TaskStatus::Succeeded;
        let row = self.get(&index).await?;
        Ok(row.and_then(|row| row.ended(task.uid, succeeded, self.clock.now())))
    }

    /// Opens the keys of `settings` of `index`.
    pub fn open_keys(&self, index: &PhysicalUid, settings: &SealedSettings) -> OpenedKeys {
        let (mut keys, mut errors) = OpenedKeys::default();
        for (pointer, sealed) in &settings.secrets {
            match self.sealer.open(sealed, &place(index, pointer)) {
                Ok(key) => drop(keys.insert(pointer.clone(), key)),
                Err(error) => drop(errors.insert(pointer.clone(), error)),
            }
        }
        (keys, errors)
    }
}

/// Returns the place for which the key at `pointer` is sealed.
fn place(index: &PhysicalUid, pointer: &str) -> String {
    format!("`{pointer}` of index `{index}`")
}
