//! The rows of the table `committed_settings`, and their transitions.
//!
//! A row holds the settings that an index has once every change that was accepted so far has ended: those
//! that are committed, and the changes that are under way, in their order. A change is proposed before any
//! node is sent it. It is committed by the end of its task in success, together with that end, and dropped if
//! its task ends otherwise. Changes are committed in the order in which they were proposed: one that has
//! ended waits for those before it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{SealedSettings, fold, settings_hash};
use crate::index::FIRST_SETTINGS_VERSION;
use crate::json::fits;
use crate::row::{InvalidRow, MAX_JSON_DEPTH};
use crate::{PhysicalUid, TaskUid, Timestamp};

/// A change of settings that was accepted and is not committed yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// Its task.
    pub task: TaskUid,
    /// The settings version that it brings.
    pub settings_version: u64,
    /// The change.
    pub change: SealedSettings,
    /// True once its task has succeeded, while a change before it is still under way.
    pub succeeded: bool,
}

/// One row of the table `committed_settings`.
#[derive(Debug, Clone, PartialEq)]
pub struct CommittedSettings {
    /// The index.
    pub index: PhysicalUid,
    /// The version of the row; conditional writes name the version they read. The first is the instant at
    /// which the row was made, so that the row of an index that was deleted and made anew has another one.
    pub version: u64,
    /// The version of the last change that was committed.
    pub settings_version: u64,
    /// The version of the last change that was proposed. If that of the registry entry is greater, an older
    /// Miroir has changed the settings without the row.
    pub known_version: u64,
    /// The settings. `None` until they were read from a node, for an index of an older Miroir.
    pub settings: Option<SealedSettings>,
    /// The changes that are not committed yet, in their order.
    pub proposals: Vec<Proposal>,
    /// The instant of the last change of the row.
    pub updated_at: Timestamp,
}

impl CommittedSettings {
    /// Creates the row of a new index.
    pub fn of_new_index(index: PhysicalUid, now: Timestamp) -> Self {
        let settings = Some(SealedSettings::default());
        Self { settings, ..Self::unknown(index, FIRST_SETTINGS_VERSION, now) }
    }

    /// Creates the row of an index whose settings are not known, at `settings_version`.
    pub fn unknown(index: PhysicalUid, settings_version: u64, now: Timestamp) -> Self {
        Self {
            index,
            version: now.as_millis().unsigned_abs(),
            settings_version,
            known_version: settings_version,
            settings: None,
            proposals: Vec::new(),
            updated_at: now,
        }
    }

    /// Returns the hash of the settings, if they are known.
    pub fn hash(&self) -> Option<String> {
        self.settings.as_ref().map(|sealed| settings_hash(&sealed.settings))
    }

    /// Returns whether the settings are those of the index at `settings_version`, once all changes have
    /// ended.
    pub fn is_complete(&self, settings_version: u64) -> bool {
        self.settings.is_some() && self.known_version >= settings_version
    }

    /// Returns the row with another change under way.
    #[must_use]
    pub fn proposed(mut self, proposal: Proposal, now: Timestamp) -> Self {
        // After a gap the row stays behind the registry entry until it is filled.
        if proposal.settings_version <= self.known_version.saturating_add(1) {
            self.known_version = self.known_version.max(proposal.settings_version);
        }
        self.proposals.push(proposal);
        Self { updated_at: now, ..self }
    }

    /// Returns the tasks of the changes that have not ended.
    pub fn open(&self) -> impl Iterator<Item = TaskUid> {
        self.proposals.iter().filter(|proposal| !proposal.succeeded).map(|proposal| proposal.task)
    }

    /// Returns the row after the change of `task` has ended, or `None` if that changes nothing.
    #[must_use]
    pub fn ended(mut self, task: TaskUid, succeeded: bool, now: Timestamp) -> Option<Self> {
        let place =
            self.proposals.iter().position(|proposal| proposal.task == task && !proposal.succeeded)?;
        if succeeded {
            self.proposals[place].succeeded = true;
        } else {
            self.proposals.remove(place);
        }
        Some(Self { updated_at: now, ..self.committed() })
    }

    /// Commits the changes that have succeeded, up to the first that has not ended.
    fn committed(mut self) -> Self {
        while let Some(settings) = &self.settings
            && self.proposals.first().is_some_and(|proposal| proposal.succeeded)
        {
            let first = self.proposals.remove(0);
            self.settings = Some(fold(settings, &first.change));
            self.settings_version = self.settings_version.max(first.settings_version);
        }
        self
    }

    /// Returns the settings with the changes that have succeeded and those of the tasks `taking`, or `None`
    /// if they are not known.
    pub fn with(&self, taking: &BTreeSet<TaskUid>) -> Option<SealedSettings> {
        let applies = |proposal: &&Proposal| proposal.succeeded || taking.contains(&proposal.task);
        let changes = self.proposals.iter().filter(applies);
        Some(changes.fold(self.settings.clone()?, |settings, proposal| fold(&settings, &proposal.change)))
    }

    /// Returns the row with settings that were read from a node, in canonical form, at `settings_version`.
    /// The node has every change that has ended. A node shows only a part of each key: keys that the row
    /// knew, and that fit that part, stay.
    #[must_use]
    pub fn filled(mut self, found: Map<String, Value>, settings_version: u64, now: Timestamp) -> Self {
        let found = SealedSettings { settings: found, ..SealedSettings::default() };
        self.settings = Some(match &self.settings {
            Some(former) => found.with_secrets_of(former),
            None => found,
        });
        self.known_version = settings_version;
        // Once more, for the keys of the changes.
        let row = self.committed();
        Self { settings_version: row.settings_version.max(settings_version), updated_at: now, ..row }
    }

    /// Refuses settings that nest too deeply to be read back.
    pub fn check(&self) -> Result<(), InvalidRow> {
        let changes = self.proposals.iter().map(|proposal| &proposal.change);
        for settings in self.settings.iter().chain(changes) {
            // The object of the settings is a level of its own.
            if !settings.settings.values().all(|value| fits(value, MAX_JSON_DEPTH - 1)) {
                return Err(InvalidRow::new(format!(
                    "the settings of an index nest deeper than {MAX_JSON_DEPTH} levels"
                )));
            }
        }
        Ok(())
    }
}
