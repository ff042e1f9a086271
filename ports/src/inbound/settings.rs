//! Use cases of the settings of an index, whole or one at a time.

use async_trait::async_trait;
use miroir_domain::IndexUid;
use miroir_domain::settings::{Setting, SettingsChange};

use super::{Accepted, ApiError, ReadResponse};

/// Settings.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait SettingsApi: Send + Sync + 'static {
    /// Returns the settings, or one of them, without reserved attributes.
    async fn settings_get(&self, index: IndexUid, setting: Option<Setting>)
    -> Result<ReadResponse, ApiError>;

    /// Changes or resets settings on every node, as one task. Creates the index if it does not exist.
    async fn settings_change(&self, index: IndexUid, change: SettingsChange) -> Result<Accepted, ApiError>;
}
