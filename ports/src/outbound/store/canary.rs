//! Tables 8 and 9, `canaries` and `canary_runs`.

use async_trait::async_trait;
use miroir_domain::canary::{Canary, CanaryRun};

use super::conditional::{Create, Put};
use super::error::StoreError;

/// Stored queries and the results of their runs.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait CanaryTable: Send + Sync + 'static {
    /// Stores a new canary, its version as given.
    ///
    /// - **CANARY-1** If the id is taken, it MUST return [`Create::Exists`] and change nothing.
    async fn canary_create(&self, canary: &Canary) -> Result<Create, StoreError>;

    /// Returns the canary, if there is one.
    async fn canary_get(&self, id: &str) -> Result<Option<Canary>, StoreError>;

    /// Replaces the row of `canary.id` if its version is `canary.version`. The stored row gets that version
    /// plus one, and its runs stay.
    ///
    /// - **CANARY-2** If the row has another version, or there is no row, it MUST return [`Put::Conflict`]
    ///   and change nothing.
    async fn canary_put(&self, canary: &Canary) -> Result<Put, StoreError>;

    /// Removes the canary. Returns false if there was none.
    ///
    /// - **CANARY-3** Its runs MUST be removed with it.
    async fn canary_delete(&self, id: &str) -> Result<bool, StoreError>;

    /// Returns up to `limit` canaries after the id `after`.
    ///
    /// - **CANARY-4** They MUST be in the byte order of their ids, each once.
    async fn canary_list(&self, after: Option<String>, limit: u32) -> Result<Vec<Canary>, StoreError>;

    /// Records a run and removes all but the newest `keep`. Returns false if there is no such canary.
    ///
    /// - **CANARY-5** A run of the same canary and instant MUST be replaced.
    /// - **CANARY-6** At most the newest `keep` runs of the canary MUST remain. A `keep` of 0 is
    ///   `InvalidInput`.
    async fn canary_run_append(&self, run: &CanaryRun, keep: u32) -> Result<bool, StoreError>;

    /// Returns up to `limit` runs of a canary, newest first, and none if there is no such canary.
    async fn canary_run_list(&self, id: &str, limit: u32) -> Result<Vec<CanaryRun>, StoreError>;
}
