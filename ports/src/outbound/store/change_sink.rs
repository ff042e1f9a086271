//! States of sinks, `cdc_sinks`.

use async_trait::async_trait;
use miroir_domain::change::SinkRow;

use super::error::StoreError;

/// States of sinks.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ChangeSinkTable: Send + Sync + 'static {
    /// Stores the row of a sink in place of the one before.
    async fn change_sink_put(&self, row: SinkRow) -> Result<(), StoreError>;

    /// Returns the row of a sink, if there is one.
    async fn change_sink_get(&self, sink: &str) -> Result<Option<SinkRow>, StoreError>;
}
