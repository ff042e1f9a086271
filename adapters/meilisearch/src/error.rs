//! Failures of calls: refusals, requests that certainly did nothing, and those with an unknown outcome.

use http::StatusCode;
use miroir_domain::NodeId;
use miroir_domain::document::strip_reserved_from_message;
use miroir_domain::error::{ErrorCode, ResponseError};
use miroir_ports::outbound::NodeError;
use serde_json::Value;

/// A response that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResponseFailure {
    /// No response began before the deadline.
    #[error("it did not respond in time")]
    Late,
    /// The body did not end before the deadline.
    #[error("it began to respond and did not finish in time")]
    Unfinished,
    /// The connection failed while the body was read.
    #[error(transparent)]
    Broken(reqwest::Error),
    /// A status that is neither success nor refusal, with the node's message if it sent one.
    #[error("it returned {0}{message}", message = .1.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
    Status(StatusCode, Option<String>),
    /// A body that is not the JSON that the route returns.
    #[error("its response is not what was expected")]
    Unexpected(#[source] serde_json::Error),
}

/// Returns the failure of a write: the node may have accepted it, however long its response is.
pub(crate) fn of_write(error: NodeError) -> NodeError {
    match error {
        NodeError::TooLong { node, max_bytes } => {
            NodeError::unknown(&node, format!("its response is longer than {max_bytes} bytes"))
        }
        error => error,
    }
}

/// Classifies a request that failed before the node's status was read. It certainly did nothing only if no
/// connection was made or the request could not be built; otherwise bytes may have been sent.
pub(crate) fn from_send(node: &NodeId, error: reqwest::Error) -> NodeError {
    let harmless = error.is_connect() || error.is_builder();
    let error = error.without_url();
    if harmless { NodeError::unreachable(node, error) } else { NodeError::unknown(node, error) }
}

/// Returns the failure for a status that is neither success nor refusal.
pub(crate) fn undecided(status: StatusCode, body: Option<&[u8]>) -> ResponseFailure {
    let message = body
        .and_then(|body| serde_json::from_slice::<Value>(body).ok())
        .and_then(|value| Some(response_error(&value)?.message));
    ResponseFailure::Status(status, message)
}

/// Returns whether a status is a decision of the node: 4xx, except 408, which a proxy may return after it
/// forwarded the request. 429 is a decision too: the node did nothing.
pub(crate) fn is_refusal(status: StatusCode) -> bool {
    status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT
}

/// Creates a refusal with the node's error object. Creates an error object of its own if the body holds none.
pub(crate) fn refused(node: &NodeId, status: StatusCode, body: Option<&[u8]>) -> NodeError {
    let error = body
        .and_then(|body| serde_json::from_slice(body).ok())
        .and_then(|value: Value| response_error(&value))
        .unwrap_or_else(|| {
            code_of(status)
                .with_message(format!("The node returned {status} without a readable error object."))
        });
    NodeError::Refused { node: node.clone(), status: status.as_u16(), error }
}

/// Reads an error object. Message and code are required; older servers, and proxies in front of a node, may
/// leave out the rest.
pub(crate) fn response_error(value: &Value) -> Option<ResponseError> {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    Some(ResponseError {
        message: strip_reserved_from_message(text("message")?),
        code: text("code")?.to_owned(),
        kind: text("type").unwrap_or("invalid_request").to_owned(),
        link: text("link").unwrap_or_default().to_owned(),
    })
}

/// Returns the nearest code for a status that came without one.
fn code_of(status: StatusCode) -> ErrorCode {
    match status.as_u16() {
        401 => ErrorCode::MissingAuthorizationHeader,
        403 => ErrorCode::InvalidApiKey,
        404 | 405 => ErrorCode::NotFound,
        413 => ErrorCode::PayloadTooLarge,
        415 => ErrorCode::InvalidContentType,
        _ => ErrorCode::BadRequest,
    }
}

#[cfg(test)]
mod tests {
    use miroir_ports::error_chain;

    use super::*;

    fn node() -> NodeId {
        "node-1".parse().unwrap()
    }

    #[test]
    fn status_is_a_refusal_only_if_the_node_decided() {
        for status in [400, 401, 403, 404, 409, 413, 415, 429] {
            assert!(is_refusal(StatusCode::from_u16(status).unwrap()), "{status}");
        }
        for status in [200, 202, 301, 307, 408, 500, 502, 503, 504] {
            assert!(!is_refusal(StatusCode::from_u16(status).unwrap()), "{status}");
        }
    }

    #[test]
    fn refusal_gets_an_error_object_when_the_node_sends_none() {
        for body in
            [None, Some(&b"<html>"[..]), Some(b"{}"), Some(b"[1]"), Some(br#"{"message":1,"code":2}"#)]
        {
            let NodeError::Refused { status, error, .. } = refused(&node(), StatusCode::NOT_FOUND, body)
            else {
                panic!("should be refused");
            };
            assert_eq!((status, error.code.as_str()), (404, "not_found"));
            assert!(error.message.contains("404"), "{}", error.message);
        }
    }

    #[test]
    fn failure_names_its_cause() {
        let unexpected = serde_json::from_str::<u32>("{}").map_err(ResponseFailure::Unexpected).unwrap_err();
        let error = NodeError::unknown(&node(), unexpected);
        assert_eq!(error.to_string(), "node `node-1` gave no usable response");
        let chain = error_chain(&error);
        let says =
            "gave no usable response: its response is not what was expected: invalid type: map, expected u32";
        assert!(chain.contains(says), "{chain}");
    }

    #[test]
    fn undecided_status_keeps_the_message_of_the_node() {
        let words = br#"{"message":"no space left","code":"no_space_left_on_device"}"#;
        for (body, shown) in [
            (Some(&words[..]), "it returned 503 Service Unavailable: no space left"),
            (Some(b"<html>"), "it returned 503 Service Unavailable"),
            (None, "it returned 503 Service Unavailable"),
        ] {
            assert_eq!(undecided(StatusCode::SERVICE_UNAVAILABLE, body).to_string(), shown);
        }
    }
}
