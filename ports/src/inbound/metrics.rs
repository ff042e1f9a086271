//! Metrics: numbers for those who watch.

use async_trait::async_trait;

/// Metrics in a text format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposition {
    /// The media type of the text.
    pub content_type: &'static str,
    /// The text.
    pub text: String,
}

/// The metrics of this instance.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait MetricsApi: Send + Sync + 'static {
    /// Every metric as it is now.
    ///
    /// - **METRICS-1** It MUST answer within a few seconds whatever the store does: what cannot be known is left out.
    /// - **METRICS-2** Its cost MUST NOT depend on the number of tasks, documents or events.
    async fn exposition(&self) -> Exposition;
}
