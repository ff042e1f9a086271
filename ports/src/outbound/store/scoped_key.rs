//! Scoped search keys, and the instances that have observed them.

use async_trait::async_trait;
use miroir_domain::search_ui::ScopedKey;
use miroir_domain::{IndexUid, Timestamp};

use super::conditional::Put;
use super::error::StoreError;

/// The record that an instance has observed a generation of an index's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopedKeyObservation {
    /// The instance.
    pub instance: String,
    /// The last generation that it has observed.
    pub generation: u64,
    /// The time of the last record.
    pub observed_at: Timestamp,
}

/// Search keys of indexes.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ScopedKeyTable: Send + Sync + 'static {
    /// Returns the keys of an index, if there are any.
    async fn scoped_key_get(&self, index: &IndexUid) -> Result<Option<ScopedKey>, StoreError>;

    /// Stores `key` if the row's generation is `key.generation - 1`, which is 0 if there is no row.
    ///
    /// - **SCOPED-1** If the row has another generation, it MUST return [`Put::Conflict`] and change nothing.
    ///   A generation of 0 is `InvalidInput`.
    async fn scoped_key_rotate(&self, key: &ScopedKey) -> Result<Put, StoreError>;

    /// Removes the previous key, which was revoked. Returns [`Put::Conflict`] if the row has another
    /// generation.
    async fn scoped_key_retire(&self, index: &IndexUid, generation: u64) -> Result<Put, StoreError>;

    /// Records that `instance` has observed `generation`.
    ///
    /// - **SCOPED-2** While a record counts, a lower generation MUST NOT replace it.
    async fn scoped_key_observe(
        &self,
        index: &IndexUid,
        instance: &str,
        generation: u64,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Returns the generations that live instances have observed.
    ///
    /// - **SCOPED-3** A record MUST NOT be returned from [`miroir_domain::search_ui::SCOPED_KEY_SILENCE_MS`]
    ///   on after its `observed_at`. Records are in the byte order of their instances.
    async fn scoped_key_observations(
        &self,
        index: &IndexUid,
        now: Timestamp,
    ) -> Result<Vec<ScopedKeyObservation>, StoreError>;
}
