//! Scoped search keys, and which instances have observed them.

use async_trait::async_trait;
use miroir_domain::search_ui::ScopedKey;
use miroir_domain::{IndexUid, Timestamp};

use super::error::StoreError;
use super::write::Put;

/// That an instance has observed a generation of an index's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopedKeyObservation {
    /// The instance.
    pub instance: String,
    /// The generation it has observed last.
    pub generation: u64,
    /// When it said so last.
    pub observed_at: Timestamp,
}

/// Search keys of indexes.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ScopedKeyTable: Send + Sync + 'static {
    /// The keys of an index, or none.
    async fn scoped_key_get(&self, index: &IndexUid) -> Result<Option<ScopedKey>, StoreError>;

    /// Stores `key` if the row's generation is `key.generation - 1`, which is 0 where there is no row.
    ///
    /// - **SCOPED-1** A row of another generation MUST answer [`Put::Conflict`] and change nothing. A generation of 0
    ///   is `InvalidInput`.
    async fn scoped_key_rotate(&self, key: &ScopedKey) -> Result<Put, StoreError>;

    /// Forgets the previous key, which was revoked; conflicts when the row has another generation.
    async fn scoped_key_retire(&self, index: &IndexUid, generation: u64) -> Result<Put, StoreError>;

    /// Records that `instance` has observed `generation`.
    ///
    /// - **SCOPED-2** A generation lower than the one recorded MUST NOT replace it while the record counts.
    async fn scoped_key_observe(
        &self,
        index: &IndexUid,
        instance: &str,
        generation: u64,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// What live instances have observed.
    ///
    /// - **SCOPED-3** A record MUST NOT be answered from [`miroir_domain::search_ui::SCOPED_KEY_SILENCE_MS`] on after its
    ///   `observed_at`. Records come in the byte order of their instances.
    async fn scoped_key_observations(
        &self,
        index: &IndexUid,
        now: Timestamp,
    ) -> Result<Vec<ScopedKeyObservation>, StoreError>;
}
