//! The index registry.

mod alias_use;
mod last_known;
mod physical_uid;

use std::sync::Arc;

use miroir_domain::document::PrimaryKey;
use miroir_domain::error::ErrorCode;
use miroir_domain::identity::MARKER_INDEX;
use miroir_domain::index::{FIRST_SETTINGS_VERSION, IndexEntry};
use miroir_domain::task::Task;
use miroir_domain::{IndexUid, NodeId, PhysicalUid};
use miroir_ports::inbound::ApiError;
use miroir_ports::outbound::{Advance, Clock, Create, Put, StoreError, TaskStore};

use crate::listing;

pub use self::last_known::{LastKnown, last_known_loop};
use self::physical_uid::new_physical_uid;

/// The indexes that exist in the cluster, even if a node does not have one yet.
pub struct IndexRegistry {
    store: Arc<dyn TaskStore>,
    clock: Arc<dyn Clock>,
    last_known: Arc<LastKnown>,
    /// The number of shards of a new index.
    shard_count: u32,
}

impl IndexRegistry {
    /// Creates the registry over a store. Reads use `last_known` while the store is away. New indexes have
    /// `shard_count` shards.
    pub fn new(
        store: Arc<dyn TaskStore>,
        clock: Arc<dyn Clock>,
        last_known: Arc<LastKnown>,
        shard_count: u32,
    ) -> Self {
        Self { store, clock, last_known, shard_count }
    }

    /// Returns the entry of `index` in the store, if there is one. Writes are based on it.
    pub async fn get(&self, index: &IndexUid) -> Result<Option<IndexEntry>, StoreError> {
        let entry = self.store.index_get(index).await?;
        self.last_known.note(index, entry.as_ref());
        Ok(entry)
    }

    /// Returns the entry of `index` for a read: the last known one while the store is away.
    pub async fn find(&self, index: &IndexUid) -> Result<Option<IndexEntry>, StoreError> {
        self.last_known.index(self.store.as_ref(), index).await
    }

    /// Returns the entry of `index` for a read.
    ///
    /// # Errors
    ///
    /// Refuses with 404 `index_not_found` if there is none.
    pub async fn require(&self, index: &IndexUid) -> Result<IndexEntry, ApiError> {
        self.find(index)
            .await?
            .ok_or_else(|| ApiError::refused(ErrorCode::IndexNotFound, format!("Index `{index}` not found.")))
    }

    /// Returns the entry in the store of the index that the nodes keep under `physical_uid`, if there is one.
    pub async fn at(&self, physical_uid: &PhysicalUid) -> Result<Option<IndexEntry>, StoreError> {
        let entry = self.get(&physical_uid.name()).await?;
        Ok(entry.filter(|entry| entry.physical_uid == *physical_uid))
    }

    /// Returns all entries in the store, by uid.
    pub async fn all(&self) -> Result<Vec<IndexEntry>, StoreError> {
        listing::indexes(self.store.as_ref()).await
    }

    /// Returns all entries for a read, by uid: the last known ones while the store is away.
    pub async fn listed(&self) -> Result<Vec<IndexEntry>, StoreError> {
        self.last_known.indexes(self.store.as_ref()).await
    }

    /// Returns whether reads use what was last known, because the store is away.
    pub fn is_store_away(&self) -> bool {
        self.last_known.age().is_some()
    }

    /// Makes the entry of a new index, without storing it.
    ///
    /// # Errors
    ///
    /// Refuses with 400 `invalid_index_uid` the name that Miroir itself uses on the nodes, and one that is
    /// too long to be given again.
    pub async fn new_entry(
        &self,
        index: &IndexUid,
        primary_key: Option<PrimaryKey>,
    ) -> Result<IndexEntry, ApiError> {
        if index.as_str() == MARKER_INDEX {
            let message = format!("`{index}` is the name of an index of Miroir itself: choose another one.");
            return Err(ApiError::refused(ErrorCode::InvalidIndexUid, message));
        }
        let now = self.clock.now();
        Ok(IndexEntry {
            uid: index.clone(),
            physical_uid: new_physical_uid(self.store.as_ref(), index, now).await?,
            primary_key,
            shard_count: self.shard_count,
            settings_version: FIRST_SETTINGS_VERSION,
            created_at: now,
            updated_at: now,
            version: 1,
        })
    }

    /// Stores the entry of a new index. The caller holds the write lock of the index.
    pub async fn create(&self, entry: &IndexEntry) -> Result<(), ApiError> {
        match self.store.index_create(entry).await? {
            Create::Created => {
                self.last_known.note(&entry.uid, Some(entry));
                Ok(())
            }
            Create::Exists => Err(lost_race(&entry.uid)),
        }
    }

    /// Replaces an entry by `next`, which has the version that was read. The caller holds the write lock of
    /// the index.
    pub async fn replace(&self, next: IndexEntry) -> Result<(), ApiError> {
        let next = IndexEntry { updated_at: self.clock.now(), ..next };
        match self.store.index_put(&next).await? {
            Put::Stored => {
                let stored = IndexEntry { version: next.version + 1, ..next };
                self.last_known.note(&stored.uid, Some(&stored));
                Ok(())
            }
            Put::Conflict => Err(lost_race(&next.uid)),
        }
    }

    /// Deletes an entry. The caller holds the write lock of the index.
    pub async fn delete(&self, entry: &IndexEntry) -> Result<(), StoreError> {
        self.store.index_delete(&entry.uid, &entry.physical_uid).await?;
        self.last_known.note(&entry.uid, None);
        Ok(())
    }

    /// Records that `node` has the settings of `index` up to `version`.
    pub async fn advance_settings(
        &self,
        index: &PhysicalUid,
        node: &NodeId,
        version: u64,
    ) -> Result<Advance, StoreError> {
        self.store.node_settings_advance(index, node, version, self.clock.now()).await
    }

    /// Returns the version of the settings of `index` that `node` is known to have, or 0.
    pub async fn settings_version(&self, index: &PhysicalUid, node: &NodeId) -> Result<u64, StoreError> {
        Ok(self.store.node_settings_get(index, node).await?.map_or(0, |row| row.version))
    }

    /// Returns the number of shards of the index of `task`. For an index that is gone, it is the number of a
    /// new index.
    pub async fn shard_count_of(&self, task: &Task) -> Result<u32, StoreError> {
        let entry = match &task.physical_index() {
            Some(index) => self.at(index).await?,
            None => None,
        };
        Ok(entry.map_or(self.shard_count, |entry| entry.shard_count))
    }
}

/// Returns the error of a change that another request has overtaken between the read and the write of the
/// entry.
fn lost_race(index: &IndexUid) -> ApiError {
    ApiError::refused(
        ErrorCode::MiroirStoreUnavailable,
        format!("Index `{index}` was changed by another request at the same moment: send the request again."),
    )
}
