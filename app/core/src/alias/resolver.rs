//! Resolves names to indexes.

use std::sync::Arc;
use std::time::Duration;

use miroir_domain::IndexUid;
use miroir_domain::alias::AliasTarget;
use miroir_domain::error::ErrorCode;
use miroir_ports::inbound::ApiError;
use miroir_ports::outbound::{StoreError, TaskStore};

use crate::registry::LastKnown;
use crate::ttl_cache::TtlCache;

/// The time for which a name is cached. A flip by another instance is seen after this time at the latest,
/// well within the documented second.
const TTL: Duration = Duration::from_millis(250);
/// Maximum number of cached names. Clients choose names, so there must be a bound.
const CAPACITY: usize = 10_000;

/// Resolves names in requests: the name of an index to itself, the name of an alias to its targets. A request
/// resolves a name once, so a flip does not affect requests that have begun.
pub struct AliasResolver {
    store: Arc<dyn TaskStore>,
    last_known: Arc<LastKnown>,
    /// The target of each name; `None` for a name that is not an alias.
    cache: TtlCache<IndexUid, Option<AliasTarget>>,
}

impl AliasResolver {
    /// Makes a resolver of the aliases in `store`, or in `last_known` while the store is away.
    pub fn new(store: Arc<dyn TaskStore>, last_known: Arc<LastKnown>) -> Self {
        Self { store, last_known, cache: TtlCache::new(TTL, CAPACITY) }
    }

    /// Returns the target of the alias `name`, or `None` if it is not an alias. While the store is away, it
    /// is the last known one.
    pub async fn target(&self, name: &IndexUid) -> Result<Option<AliasTarget>, StoreError> {
        if let Some(cached) = self.cache.get(name) {
            return Ok(cached);
        }
        let start = self.cache.start();
        let target = self.last_known.alias_target(self.store.as_ref(), name).await?;
        // A write must not be based on the last known target.
        if self.last_known.age().is_none() {
            self.cache.insert(start, name.clone(), target.clone());
        }
        Ok(target)
    }

    /// Returns the target of the alias `name` in the store, or `None` if it is not an alias.
    async fn stored_target(&self, name: &IndexUid) -> Result<Option<AliasTarget>, StoreError> {
        if let Some(cached) = self.cache.get(name) {
            return Ok(cached);
        }
        let start = self.cache.start();
        let target = self.store.alias_get(name).await?.map(|alias| alias.target);
        self.cache.insert(start, name.clone(), target.clone());
        Ok(target)
    }

    /// Returns the indexes that a read of `name` covers, in order; never empty.
    pub async fn readable(&self, name: &IndexUid) -> Result<Vec<IndexUid>, StoreError> {
        Ok(match self.target(name).await? {
            None => vec![name.clone()],
            Some(target) => target.indexes().to_vec(),
        })
    }

    /// Returns the one index that `name` stands for. `refusal` is the error code if it stands for several.
    pub async fn single(&self, name: IndexUid, refusal: ErrorCode) -> Result<IndexUid, ApiError> {
        let target = self.target(&name).await?;
        one_of(name, target, refusal)
    }

    /// Returns the index that a write to `name` goes to.
    pub async fn writable(&self, name: IndexUid) -> Result<IndexUid, ApiError> {
        let target = self.stored_target(&name).await?;
        one_of(name, target, ErrorCode::MiroirMultiAliasNotWritable)
    }

    /// Clears the cache, because an alias was or may have been changed. A request that begins after a change
    /// was acknowledged is therefore never resolved to an earlier target.
    pub fn forget(&self) {
        self.cache.clear();
    }
}

/// Returns the one index of `target`, or `name` if it is not an alias.
fn one_of(name: IndexUid, target: Option<AliasTarget>, refusal: ErrorCode) -> Result<IndexUid, ApiError> {
    match target {
        None => Ok(name),
        Some(AliasTarget::Single(index)) => Ok(index),
        Some(AliasTarget::Multi(indexes)) => {
            let indexes: Vec<&str> = indexes.iter().map(IndexUid::as_str).collect();
            Err(ApiError::refused(
                refusal,
                format!("Alias `{name}` stands for several indexes: name one of {}.", indexes.join(", ")),
            ))
        }
    }
}
