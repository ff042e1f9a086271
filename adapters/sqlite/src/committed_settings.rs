//! The committed settings of indexes, `committed_settings`.

use async_trait::async_trait;
use miroir_domain::PhysicalUid;
use miroir_domain::row::next_version;
use miroir_domain::settings::{CommittedSettings, SealedSettings};
use miroir_ports::outbound::{CommittedSettingsTable, Put, StoreError};
use rusqlite::{Connection, named_params};

use crate::error::Failure;
use crate::row::{Column, Reader, Row, to_json};
use crate::statement::{change, changed, one, value};
use crate::store::SqliteStore;

// The columns of `committed_settings_get.sql`.
const PHYSICAL_UID: Column = Column(0, "physical_uid");
const SETTINGS: Column = Column(1, "settings");
/// Written for operators; it follows from the settings.
#[cfg(test)]
const HASH: Column = Column(2, "hash");
const SECRETS: Column = Column(3, "secrets");
const PROPOSALS: Column = Column(4, "proposals");
const SETTINGS_VERSION: Column = Column(5, "settings_version");
const KNOWN_VERSION: Column = Column(6, "known_version");
const UPDATED_AT: Column = Column(7, "updated_at");
const VERSION: Column = Column(8, "version");
// The column of `committed_settings_head.sql`.
const HEAD_VERSION: Column = Column(0, "version");

impl Row for CommittedSettings {
    const TABLE: &'static str = "committed_settings";
    const KEY: &'static [Column] = &[PHYSICAL_UID];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        let settings = reader.json(SETTINGS)?;
        let secrets = reader.json_always(SECRETS)?;
        Ok(Self {
            index: reader.name_always(PHYSICAL_UID)?,
            settings: settings.map(|settings| SealedSettings { settings, secrets }),
            proposals: reader.json_always(PROPOSALS)?,
            settings_version: reader.counter(SETTINGS_VERSION)?,
            known_version: reader.counter(KNOWN_VERSION)?,
            updated_at: reader.time_always(UPDATED_AT)?,
            version: reader.counter(VERSION)?,
        })
    }
}

#[async_trait]
impl CommittedSettingsTable for SqliteStore {
    async fn settings_get(&self, index: &PhysicalUid) -> Result<Option<CommittedSettings>, StoreError> {
        let index = index.clone();
        self.read(move |connection| {
            one(connection, include_str!("sql/committed_settings_get.sql"), [index.as_str()])
        })
        .await
    }

    async fn settings_replace(&self, row: &CommittedSettings) -> Result<(), StoreError> {
        row.check()?;
        let row = row.clone();
        self.write(move |connection| store(connection, &row, row.version)).await
    }

    async fn settings_put(&self, row: &CommittedSettings) -> Result<Put, StoreError> {
        row.check()?;
        let row = row.clone();
        self.write(move |connection| {
            if !has_version(connection, &row)? {
                return Ok(Put::Conflict);
            }
            put(connection, &row)?;
            Ok(Put::Stored)
        })
        .await
    }

    async fn settings_forget(&self, index: &PhysicalUid) -> Result<bool, StoreError> {
        let index = index.clone();
        self.write(move |connection| {
            changed(connection, include_str!("sql/committed_settings_delete.sql"), [index.as_str()])
        })
        .await
    }
}

/// Returns whether the stored row has the version of `row`.
pub(crate) fn has_version(connection: &Connection, row: &CommittedSettings) -> Result<bool, Failure> {
    let sql = include_str!("sql/committed_settings_head.sql");
    let stored = value(connection, sql, [row.index.as_str()], |found| {
        Reader { table: CommittedSettings::TABLE, key: &row.index, row: found }.counter(HEAD_VERSION)
    })?;
    Ok(stored == Some(row.version))
}

/// Replaces the stored row, which has the version of `row`. The put of a task uses it as well.
pub(crate) fn put(connection: &Connection, row: &CommittedSettings) -> Result<(), Failure> {
    store(connection, row, next_version(row.version)?)
}

fn store(connection: &Connection, row: &CommittedSettings, version: u64) -> Result<(), Failure> {
    let sealed = row.settings.as_ref();
    let params = named_params! {
        ":physical_uid": row.index.as_str(),
        ":settings": sealed.map(|sealed| to_json(&sealed.settings)).transpose()?,
        ":hash": row.hash(),
        ":secrets": sealed.map_or_else(|| Ok("{}".to_owned()), |sealed| to_json(&sealed.secrets))?,
        ":proposals": to_json(&row.proposals)?,
        ":settings_version": row.settings_version.cast_signed(),
        ":known_version": row.known_version.cast_signed(),
        ":updated_at": row.updated_at.as_millis(),
        ":version": version.cast_signed(),
    };
    change(connection, include_str!("sql/committed_settings_upsert.sql"), params)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_match_the_statements() {
        let all = [
            PHYSICAL_UID,
            SETTINGS,
            HASH,
            SECRETS,
            PROPOSALS,
            SETTINGS_VERSION,
            KNOWN_VERSION,
            UPDATED_AT,
            VERSION,
        ];
        assert_columns(include_str!("sql/committed_settings_get.sql"), &all);
        assert_columns(include_str!("sql/committed_settings_head.sql"), &[HEAD_VERSION]);
    }
}
