//! Tables 8 and 9, `canaries` and `canary_runs`.

use async_trait::async_trait;
use miroir_domain::canary::{Canary, CanaryRun};

use super::error::StoreError;
use super::write::{Create, Put};

/// Stored queries and what their runs found.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait CanaryTable: Send + Sync + 'static {
    /// Stores a new canary, its version as given.
    ///
    /// - **CANARY-1** When the id is taken it MUST answer [`Create::Exists`] and change nothing.
    async fn canary_create(&self, canary: &Canary) -> Result<Create, StoreError>;

    /// The canary, or none.
    async fn canary_get(&self, id: &str) -> Result<Option<Canary>, StoreError>;

    /// Replaces the row of `canary.id` if its version is `canary.version`; the stored row gets that plus one. Runs stay.
    ///
    /// - **CANARY-2** A row of another version, or no row, MUST answer [`Put::Conflict`] and change nothing.
    async fn canary_put(&self, canary: &Canary) -> Result<Put, StoreError>;

    /// Removes the canary; false when there was none.
    ///
    /// - **CANARY-3** Its runs MUST go with it.
    async fn canary_delete(&self, id: &str) -> Result<bool, StoreError>;

    /// Up to `limit` canaries, starting after `after`.
    ///
    /// - **CANARY-4** They MUST come in the byte order of their ids, each once.
    async fn canary_list(&self, after: Option<String>, limit: u32) -> Result<Vec<Canary>, StoreError>;

    /// Records a run and drops those beyond the newest `keep`; false when there is no such canary.
    ///
    /// - **CANARY-5** A run of the same canary and instant MUST be replaced.
    /// - **CANARY-6** After it at most `keep` runs of the canary MUST be left, the newest. A `keep` of 0 is
    ///   `InvalidInput`.
    async fn canary_run_append(&self, run: &CanaryRun, keep: u32) -> Result<bool, StoreError>;

    /// Up to `limit` runs of a canary, newest first; empty when there is no such canary.
    async fn canary_run_list(&self, id: &str, limit: u32) -> Result<Vec<CanaryRun>, StoreError>;
}
