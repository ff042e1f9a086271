//! Error responses. Every status of an error is decided in this module.

use http::StatusCode;
use miroir_domain::error::{ErrorCode, ErrorKind, InvalidRequest, ResponseError};
use miroir_domain::wording::{NAME_CHARS, excerpt};
use miroir_ports::error_chain;
use miroir_ports::inbound::ApiError;
use miroir_ports::outbound::StoreError;

/// Seconds after which a client may retry if the cluster was the reason; the value of Meilisearch.
const RETRY_AFTER_SECONDS: u32 = 10;
/// Seconds after which a client may retry if there were too many requests.
const OVERLOADED_RETRY_AFTER_SECONDS: u32 = 1;

/// The maximum number of characters of an unsupported method that an error repeats.
const METHOD_CHARS: usize = 40;

/// An error response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    /// Boxed, so that results are small if there is no error.
    pub(crate) error: Box<ResponseError>,
    /// `Retry-After`, in seconds.
    pub(crate) retry_after: Option<u32>,
    /// `Allow`, for 405.
    pub(crate) allow: Option<String>,
}

/// Returns the status of a code. Most codes have the status of their kind.
pub(crate) fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::MissingAuthorizationHeader | ErrorCode::MiroirInvalidAuth => StatusCode::UNAUTHORIZED,
        ErrorCode::NotFound
        | ErrorCode::IndexNotFound
        | ErrorCode::DocumentNotFound
        | ErrorCode::TaskNotFound
        | ErrorCode::MiroirAliasNotFound
        | ErrorCode::MiroirCanaryNotFound
        | ErrorCode::MiroirSinkNotFound
        | ErrorCode::MiroirNodeNotFound
        | ErrorCode::MiroirJobNotFound => StatusCode::NOT_FOUND,
        ErrorCode::IndexAlreadyExists
        | ErrorCode::MiroirAliasConflict
        | ErrorCode::MiroirMultiAliasNotWritable
        | ErrorCode::MiroirCanaryExists
        | ErrorCode::MiroirCanaryConfigured
        | ErrorCode::MiroirSinkConflict
        | ErrorCode::MiroirNodeConflict
        | ErrorCode::MiroirJobFinished => StatusCode::CONFLICT,
        ErrorCode::MiroirChangesTrimmed => StatusCode::GONE,
        ErrorCode::MiroirAliasVersionMismatch | ErrorCode::MiroirCanaryVersionMismatch => {
            StatusCode::PRECONDITION_FAILED
        }
        ErrorCode::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::MissingContentType | ErrorCode::InvalidContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::MiroirNotSupported => StatusCode::NOT_IMPLEMENTED,
        ErrorCode::MiroirTimeout => StatusCode::GATEWAY_TIMEOUT,
        other => match other.kind() {
            ErrorKind::InvalidRequest => StatusCode::BAD_REQUEST,
            ErrorKind::Auth => StatusCode::FORBIDDEN,
            ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            ErrorKind::System => StatusCode::SERVICE_UNAVAILABLE,
        },
    }
}

fn retry_after(status: StatusCode, code: Option<ErrorCode>) -> Option<u32> {
    match (status, code) {
        (_, Some(ErrorCode::MiroirOverloaded)) => Some(OVERLOADED_RETRY_AFTER_SECONDS),
        (StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS, _) => Some(RETRY_AFTER_SECONDS),
        _ => None,
    }
}

impl Failure {
    /// Returns a refusal with the status of its code.
    pub(crate) fn refused(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::with_status(status_of(code), code, message)
    }

    /// Returns a refusal with a status of its own.
    fn with_status(status: StatusCode, code: ErrorCode, message: impl Into<String>) -> Self {
        let error = Box::new(code.with_message(message));
        Self { status, error, retry_after: retry_after(status, Some(code)), allow: None }
    }

    /// Returns the same failure, located in a part of the request.
    pub(crate) fn inside(mut self, location: &str) -> Self {
        self.error.message = format!("Inside `{location}`: {}", self.error.message);
        self
    }

    /// Returns an internal error. Its cause is logged, and the client does not receive it.
    pub(crate) fn internal(cause: &str) -> Self {
        tracing::error!(target: "miroir::http", cause, "internal error");
        let message = "An internal error occurred. Its cause is in the log of Miroir, under the request id of this response.";
        Self::refused(ErrorCode::Internal, message)
    }

    /// Returns 404 for a path without routes.
    pub(crate) fn path_unknown(path: &str) -> Self {
        let path = excerpt(path, NAME_CHARS);
        Self::refused(ErrorCode::NotFound, format!("There is no route `{path}`."))
    }

    /// Returns 405 for a method that the path does not support.
    pub(crate) fn method_not_allowed(method: &str, route: &str, allow: String) -> Self {
        let method = excerpt(method, METHOD_CHARS);
        let message = format!("`{route}` does not support the method `{method}`. It supports {allow}.");
        let failure = Self::with_status(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::NotFound, message);
        Self { allow: Some(allow), ..failure }
    }

    /// Returns 431 for a request line and headers larger than `limit` bytes.
    pub(crate) fn headers_too_large(limit: usize) -> Self {
        Self::with_status(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            ErrorCode::BadRequest,
            format!("The request line and headers are larger than {limit} bytes."),
        )
    }

    /// Returns 408 for a body that did not arrive in time.
    pub(crate) fn body_too_slow(message: impl Into<String>) -> Self {
        Self::with_status(StatusCode::REQUEST_TIMEOUT, ErrorCode::BadRequest, message)
    }
}

impl From<InvalidRequest> for Failure {
    fn from(refusal: InvalidRequest) -> Self {
        Self::refused(refusal.code, refusal.message)
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Refused { code, message } => Self::refused(code, message),
            ApiError::Node { status, error } => from_node(status, error),
            ApiError::Store(error) => from_store(&error),
            ApiError::Internal(cause) => Self::internal(&cause),
            unknown => Self::internal(&unknown.to_string()),
        }
    }
}

/// Passes the refusal of a node through, except if the reason is Miroir's own key.
fn from_node(status: u16, error: ResponseError) -> Failure {
    match StatusCode::from_u16(status) {
        Ok(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            tracing::error!(target: "miroir::http", status, message = error.message, "a node refuses the key of Miroir");
            Failure::refused(
                ErrorCode::MiroirNodeUnavailable,
                "A node refuses the key that Miroir sends. Correct the key of the nodes in the configuration of Miroir.",
            )
        }
        Ok(status) if status.is_client_error() || status.is_server_error() => {
            Failure { status, error: Box::new(error), retry_after: retry_after(status, None), allow: None }
        }
        _ => Failure::internal(&format!("a node's error has the status {status}: {}", error.message)),
    }
}

fn from_store(error: &StoreError) -> Failure {
    match error {
        StoreError::Unavailable { outcome, .. } => {
            tracing::error!(target: "miroir::http", error = %error_chain(error), "the task store is unavailable");
            let message = format!("The task store is unavailable; {outcome}.");
            Failure::refused(ErrorCode::MiroirStoreUnavailable, message)
        }
        StoreError::Foreign(reason) => {
            tracing::warn!(target: "miroir::http", "a request was refused: {reason}");
            let mut message = format!("{reason}.");
            message[..1].make_ascii_uppercase();
            Failure::refused(ErrorCode::MiroirStoreUnavailable, message)
        }
        StoreError::Contended(_) => {
            tracing::warn!(target: "miroir::http", error = %error_chain(error), "the task store is contended");
            let message = "Too many requests change the same thing at once. The request may or may not have been carried out.";
            Failure::refused(ErrorCode::MiroirStoreUnavailable, message)
        }
        other => Failure::internal(&error_chain(other)),
    }
}

#[cfg(test)]
mod tests {
    use miroir_ports::outbound::Outcome;

    use super::*;

    #[test]
    fn every_code_has_a_status_of_its_kind() {
        for code in ErrorCode::ALL {
            let failure = Failure::refused(code, "x");
            let (status, error) = (failure.status, &failure.error);
            assert!(status.is_client_error() || status.is_server_error(), "{code:?}: {status}");
            assert_eq!(error.code, code.as_str());
            match code.kind() {
                ErrorKind::Internal => assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{code:?}"),
                ErrorKind::System => assert!(matches!(status.as_u16(), 503 | 504), "{code:?}: {status}"),
                ErrorKind::Auth => assert!(matches!(status.as_u16(), 401 | 403), "{code:?}: {status}"),
                ErrorKind::InvalidRequest => {
                    assert!(status.is_client_error() || status.as_u16() == 501, "{code:?}: {status}");
                }
            }
            assert_eq!(failure.retry_after.is_some(), status.as_u16() == 503, "{code:?}");
        }
    }

    #[test]
    fn refusals_of_nodes_pass_through_unchanged() {
        let error = ErrorCode::InvalidSearchFilter.with_message("no such attribute");
        let failure = Failure::from(ApiError::Node { status: 400, error: error.clone() });
        assert_eq!((failure.status.as_u16(), *failure.error), (400, error));
    }

    #[test]
    fn nodes_that_refuse_the_key_of_miroir_are_503() {
        for status in [401, 403] {
            let error = ErrorCode::InvalidApiKey.with_message("The provided API key is invalid.");
            let failure = Failure::from(ApiError::Node { status, error });
            assert_eq!(failure.status.as_u16(), 503);
            assert_eq!(failure.error.code, "miroir_node_unavailable");
        }
    }

    #[test]
    fn impossible_statuses_of_nodes_are_internal_errors() {
        for status in [0, 99, 200, 302, 1000] {
            let failure =
                Failure::from(ApiError::Node { status, error: ErrorCode::BadRequest.with_message("x") });
            assert_eq!(failure.status.as_u16(), 500, "{status}");
        }
    }

    #[test]
    fn unavailable_stores_are_503_without_their_address() {
        let lost = StoreError::Unavailable {
            outcome: Outcome::Unknown,
            reason: "/secret/path".to_owned(),
            source: None,
        };
        let failure = Failure::from(ApiError::from(lost));
        assert_eq!(failure.status.as_u16(), 503);
        assert_eq!(failure.retry_after, Some(10));
        assert!(failure.error.message.contains("may or may not"), "{}", failure.error.message);
        assert!(!failure.error.message.contains("secret"));
    }

    #[test]
    fn internal_errors_do_not_reveal_their_cause() {
        let failure = Failure::from(ApiError::Internal("row 7 is odd".to_owned()));
        assert_eq!(failure.status.as_u16(), 500);
        assert!(!failure.error.message.contains("row 7"));
    }
}
