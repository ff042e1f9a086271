//! What judging needs to know of an index.

use miroir_domain::IndexUid;
use miroir_domain::document::PrimaryKey;
use miroir_ports::outbound::{StoreError, TaskStore};

use crate::alias::AliasResolver;

/// Facts of the index registry.
#[derive(Debug, Default)]
pub(super) struct IndexFacts {
    /// The attribute that names a document; of several indexes the first that has one tells.
    pub primary_key: Option<PrimaryKey>,
    /// The committed version of the settings; of several indexes the earliest.
    pub settings_version: Option<u64>,
}

impl IndexFacts {
    /// The facts of what `name` stands for, an index or an alias; none of what is neither.
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
