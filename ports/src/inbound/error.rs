//! The error of the use cases.

use miroir_domain::error::{ErrorCode, InvalidRequest, ResponseError};

use crate::outbound::StoreError;

/// The one error of every inbound port. The HTTP adapter maps it to a status in one file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// Miroir refuses the request: the code decides the status.
    #[error("{message}")]
    Refused {
        /// The code.
        code: ErrorCode,
        /// The fault and its place, for the client.
        message: String,
    },
    /// The nodes refuse the request with this error.
    #[error("a node returned {status}: {}", error.message)]
    Node {
        /// The status of the nodes' response.
        status: u16,
        /// The body of the nodes' response.
        error: ResponseError,
    },
    /// The task store failed.
    #[error("the task store did not respond")]
    Store(#[from] StoreError),
    /// A bug. It is logged in full and reported in short.
    #[error("internal error: {0}")]
    Internal(String),
}

impl ApiError {
    /// Creates a refusal with `code` and a sentence for the client.
    pub fn refused(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::Refused { code, message: message.into() }
    }
}

impl From<InvalidRequest> for ApiError {
    fn from(refusal: InvalidRequest) -> Self {
        Self::Refused { code: refusal.code, message: refusal.message }
    }
}
