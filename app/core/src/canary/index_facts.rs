//! Facts of an index that the evaluation of a canary needs.

use miroir_domain::IndexUid;
use miroir_domain::document::PrimaryKey;
use miroir_ports::outbound::{StoreError, TaskStore};

use crate::alias::AliasResolver;

/// Facts of the index registry.
#[derive(Debug, Default)]
pub(super) struct IndexFacts {
    /// The primary key of the first index that has one.
    pub primary_key: Option<PrimaryKey>,
    /// The earliest committed version of the settings of the indexes.
    pub settings_version: Option<u64>,
}

impl IndexFacts {
    /// Reads the facts of the indexes that `name` stands for. They are empty if it is neither an index nor an
    /// alias.
    pub async fn read(
        store: &dyn TaskStore,
        aliases: &AliasResolver,
        name: &IndexUid,
    ) -> Result<Self, StoreError> {
        let mut facts = Self::default();
        for index in aliases.readable(name).await? {
            let Some(entry) = store.index_get(&index).await? else { continue };
            facts.primary_key = facts.primary_key.or(entry.primary_key);
            let version = entry.settings_version;
            facts.settings_version =
                Some(facts.settings_version.map_or(version, |earliest| earliest.min(version)));
        }
        Ok(facts)
    }
}
