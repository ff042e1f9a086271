//! Why a use case did not happen.

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
        /// What is wrong and where, for the client.
        message: String,
    },
    /// The nodes refuse the request, in these words.
    #[error("a node answered {status}: {}", error.message)]
    Node {
        /// The status the node answered with.
        status: u16,
        /// The body it answered with.
        error: ResponseError,
    },
    /// The task store did not do its part.
    #[error("the task store did not answer")]
    Store(#[from] StoreError),
    /// A bug: something that cannot happen did. Logged in full, told in short.
    #[error("internal error: {0}")]
    Internal(String),
}

impl ApiError {
    /// A refusal with `code` and a sentence for the client.
    pub fn refused(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::Refused { code, message: message.into() }
    }
}

impl From<InvalidRequest> for ApiError {
    fn from(refusal: InvalidRequest) -> Self {
        Self::Refused { code: refusal.code, message: refusal.message }
    }
}
