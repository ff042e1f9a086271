//! Work that continues after the client has closed its connection.

use std::future::Future;

use miroir_ports::inbound::ApiError;
use tracing::Instrument;

/// Runs `work` to its end, even if the returned future is dropped. A write that has begun to change the
/// registry, the task row or a node must continue until all three agree.
pub async fn detached<T: Send + 'static>(
    work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    match tokio::spawn(work.in_current_span()).await {
        Ok(outcome) => outcome,
        Err(error) => Err(ApiError::Internal(format!("a request was interrupted: {error}"))),
    }
}
