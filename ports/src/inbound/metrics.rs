//! The metrics of an instance.

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
    /// Returns every metric with its present value.
    ///
    /// - **METRICS-1** It MUST return within a few seconds, whatever the store does. Values that cannot be
    ///   determined are left out.
    /// - **METRICS-2** Its cost MUST NOT depend on the number of tasks, documents or events.
    async fn exposition(&self) -> Exposition;
}
