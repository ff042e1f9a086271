//! What an error becomes: the only place where a status is decided.

use http::StatusCode;
use miroir_domain::error::{ErrorCode, ErrorKind, InvalidRequest, ResponseError};
use miroir_ports::error_chain;
use miroir_ports::inbound::ApiError;
use miroir_ports::outbound::StoreError;

/// Seconds after which a client may try again when the cluster, not the number of requests, was the reason;
/// Meilisearch's own.
const RETRY_AFTER_SECONDS: u32 = 10;
/// Seconds after which a client may try again when there were too many requests.
const OVERLOADED_RETRY_AFTER_SECONDS: u32 = 1;

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    /// Boxed, so that results are small where all is well.
    pub(crate) error: Box<ResponseError>,
    /// `Retry-After`, in seconds.
    pub(crate) retry_after: Option<u32>,
    /// `Allow`, for 405.
    pub(crate) allow: Option<String>,
}

/// The status of a code: the one of its kind, but for the codes whose status says more.
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
        | ErrorCode::MiroirJobNotFound => StatusCode::NOT_FOUND,
        ErrorCode::IndexAlreadyExists
        | ErrorCode::MiroirAliasConflict
        | ErrorCode::MiroirMultiAliasNotWritable
        | ErrorCode::MiroirCanaryExists
        | ErrorCode::MiroirCanaryConfigured
        | ErrorCode::MiroirSinkConflict
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
    /// A refusal with the status its code has.
    pub(crate) fn refused(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::with_status(status_of(code), code, message)
    }

    /// A refusal whose status says more than its code.
    fn with_status(status: StatusCode, code: ErrorCode, message: impl Into<String>) -> Self {
        let error = Box::new(code.with_message(message));
        Self { status, error, retry_after: retry_after(status, Some(code)), allow: None }
    }

    /// The same failure, found in a part of the request.
    pub(crate) fn inside(mut self, place: &str) -> Self {
        self.error.message = format!("Inside `{place}`: {}", self.error.message);
        self
    }

    /// A bug. The cause is logged in full and told in short.
    pub(crate) fn internal(cause: &str) -> Self {
        tracing::error!(target: "miroir::http", cause, "internal error");
        let message = "Miroir failed to answer; its log says why, under the request id of this answer.";
        Self::refused(ErrorCode::Internal, message)
    }

    /// No route has this path.
    pub(crate) fn path_unknown(path: &str) -> Self {
        let path: String = path.chars().take(200).collect();
        Self::refused(ErrorCode::NotFound, format!("There is no route `{path}`."))
    }

    /// The path has no route for this method.
    pub(crate) fn method_not_allowed(method: &str, route: &str, allow: String) -> Self {
        let method: String = method.chars().take(40).collect();
        let message = format!("`{route}` does not take `{method}`: it takes {allow}.");
        let failure = Self::with_status(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::NotFound, message);
        Self { allow: Some(allow), ..failure }
    }

    /// Request line and headers are larger than `limit` bytes.
    pub(crate) fn headers_too_large(limit: usize) -> Self {
        Self::with_status(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            ErrorCode::BadRequest,
            format!("The request line and headers are larger than {limit} bytes."),
        )
    }

    /// The body did not come, or not in time.
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

/// A node's own answer, in its words, except where it speaks to Miroir and not to the client.
fn from_node(status: u16, error: ResponseError) -> Failure {
    match StatusCode::from_u16(status) {
        Ok(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            tracing::error!(target: "miroir::http", status, message = error.message, "a node refuses Miroir's key");
            Failure::refused(
                ErrorCode::MiroirNodeUnavailable,
                "A node refuses the key Miroir has for it. The key of the nodes must be corrected in Miroir's configuration.",
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
            tracing::error!(target: "miroir::http", error = %error_chain(error), "the task store did not answer");
            let message = format!("The task store does not answer; {outcome}.");
            Failure::refused(ErrorCode::MiroirStoreUnavailable, message)
        }
        StoreError::Contended(_) => {
            tracing::warn!(target: "miroir::http", error = %error_chain(error), "the task store is contended");
            let message = "Too many requests change the same thing at once; nothing was changed by this one.";
            Failure::refused(ErrorCode::MiroirStoreUnavailable, message)
        }
        other => Failure::internal(&error_chain(other).to_string()),
    }
}

#[cfg(test)]
mod tests {
    use miroir_ports::outbound::Outcome;

    use super::*;

    #[test]
    fn every_code_has_a_status_of_its_kind() {
        for &code in ErrorCode::ALL {
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
    fn a_node_speaks_in_its_own_words() {
        let error = ErrorCode::InvalidSearchFilter.with_message("no such attribute");
        let failure = Failure::from(ApiError::Node { status: 400, error: error.clone() });
        assert_eq!((failure.status.as_u16(), *failure.error), (400, error));
    }

    #[test]
    fn a_node_that_refuses_our_key_is_not_the_clients_fault() {
        for status in [401, 403] {
            let error = ErrorCode::InvalidApiKey.with_message("The provided API key is invalid.");
            let failure = Failure::from(ApiError::Node { status, error });
            assert_eq!(failure.status.as_u16(), 503);
            assert_eq!(failure.error.code, "miroir_node_unavailable");
        }
    }

    #[test]
    fn a_node_with_an_impossible_status_is_internal() {
        for status in [0, 99, 200, 302, 1000] {
            let failure =
                Failure::from(ApiError::Node { status, error: ErrorCode::BadRequest.with_message("x") });
            assert_eq!(failure.status.as_u16(), 500, "{status}");
        }
    }

    #[test]
    fn a_lost_store_is_503_and_does_not_tell_where_it_is() {
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
    fn an_internal_error_keeps_its_cause_to_itself() {
        let failure = Failure::from(ApiError::Internal("row 7 is odd".to_owned()));
        assert_eq!(failure.status.as_u16(), 500);
        assert!(!failure.error.message.contains("row 7"));
    }
}
