//! What judging needs to know of an index.

use miroir_domain::IndexUid;
use miroir_domain::alias::AliasTarget;
use miroir_domain::document::PrimaryKey;
use miroir_ports::outbound::{StoreError, TaskStore};

/// Facts of the index registry.
#[derive(Debug, Default)]
pub(super) struct IndexFacts {
    /// The attribute that names a document.
    pub primary_key: Option<PrimaryKey>,
    /// The committed version of the settings; of several indexes the earliest.
    pub settings_version: Option<u64>,
}

impl IndexFacts {
    /// The facts of the index `name`, or of what the alias `name` stands for; none of what is neither.
    pub async fn read(store: &dyn TaskStore, name: &IndexUid) -> Result<Self, StoreError> {
        if let Some(entry) = store.index_get(name).await? {
            return Ok(Self {
                primary_key: entry.primary_key,
                settings_version: Some(entry.settings_version),
            });
        }
        let targets = match store.alias_get(name).await?.map(|alias| alias.target) {
            None => return Ok(Self::default()),
            Some(AliasTarget::Single(target)) => vec![target],
            Some(AliasTarget::Multi(targets)) => targets,
        };
        let mut facts = Self::default();
        for target in targets {
            let Some(entry) = store.index_get(&target).await? else { continue };
            facts.primary_key = facts.primary_key.or(entry.primary_key);
            let version = entry.settings_version;
            facts.settings_version =
                Some(facts.settings_version.map_or(version, |earliest| earliest.min(version)));
        }
        Ok(facts)
    }
}
