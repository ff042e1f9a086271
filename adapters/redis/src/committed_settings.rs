//! The committed settings of indexes.

use async_trait::async_trait;
use miroir_domain::PhysicalUid;
use miroir_domain::row::next_version;
use miroir_domain::settings::{CommittedSettings, SealedSettings};
use miroir_ports::outbound::{CommittedSettingsTable, Put, StoreError};
use redis::ScriptInvocation;

use crate::call::changing;
use crate::keys::{COMMITTED_SETTINGS, Keys, Table};
use crate::row::{Columns, Reader};
use crate::store::RedisStore;
use crate::table::{Row, Versioned};

impl Row for CommittedSettings {
    const TABLE: Table = COMMITTED_SETTINGS;
    const FIELDS: &'static [&'static str] = &[
        "index",
        "settings",
        "secrets",
        "proposals",
        "settings_version",
        "known_version",
        "updated_at",
        "version",
    ];

    fn name(&self) -> String {
        self.index.as_str().to_owned()
    }

    fn columns(&self) -> Result<Columns, StoreError> {
        let sealed = self.settings.as_ref();
        Columns::default()
            .with("index", &self.index)
            .maybe("hash", self.hash())
            .with("settings_version", self.settings_version)
            .with("known_version", self.known_version)
            .time("updated_at", self.updated_at)
            .maybe_json("settings", sealed.map(|sealed| &sealed.settings))?
            .maybe_json("secrets", sealed.map(|sealed| &sealed.secrets))?
            .json("proposals", &self.proposals)
    }

    fn decode(reader: &Reader<'_>) -> Result<Self, StoreError> {
        let settings = match reader.json("settings")? {
            Some(settings) => Some(SealedSettings { settings, secrets: reader.json_always("secrets")? }),
            None => None,
        };
        Ok(Self {
            index: reader.parsed_always("index")?,
            settings,
            proposals: reader.json_always("proposals")?,
            settings_version: reader.parsed_always("settings_version")?,
            known_version: reader.parsed_always("known_version")?,
            updated_at: reader.time_always("updated_at")?,
            version: reader.parsed_always("version")?,
        })
    }
}

impl Versioned for CommittedSettings {
    fn version(&self) -> u64 {
        self.version
    }
}

/// Adds the key of the row, the number of arguments, and then the expected version and the columns, for
/// `lua/task_put_with.lua`. Without a row the number is 0, and the key is that of no index.
pub(crate) fn push_settings(
    keys: &Keys,
    script: &mut ScriptInvocation<'_>,
    row: Option<&CommittedSettings>,
) -> Result<(), StoreError> {
    let Some(row) = row else {
        script.key(keys.own(COMMITTED_SETTINGS, "_none")).arg(0);
        return Ok(());
    };
    script.key(keys.row(COMMITTED_SETTINGS, &row.name())).arg(1).arg(row.version);
    row.columns()?.with("version", next_version(row.version)?).push_to(script);
    Ok(())
}

#[async_trait]
impl CommittedSettingsTable for RedisStore {
    async fn settings_get(&self, index: &PhysicalUid) -> Result<Option<CommittedSettings>, StoreError> {
        self.row_get(index.as_str()).await
    }

    async fn settings_replace(&self, row: &CommittedSettings) -> Result<(), StoreError> {
        row.check()?;
        let name = row.name();
        let mut script = changing!("lua/row_upsert.lua");
        script.key(self.keys.row(COMMITTED_SETTINGS, &name));
        script.key(self.keys.own(COMMITTED_SETTINGS, "_index")).arg(&name);
        row.columns()?.with("version", row.version).push_to(&mut script);
        self.change_by(COMMITTED_SETTINGS, &name, &mut script).await
    }

    async fn settings_put(&self, row: &CommittedSettings) -> Result<Put, StoreError> {
        row.check()?;
        self.row_put(&[row]).await
    }

    async fn settings_forget(&self, index: &PhysicalUid) -> Result<bool, StoreError> {
        self.row_delete::<CommittedSettings>(index.as_str()).await
    }
}
