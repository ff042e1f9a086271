//! Which failure is a refusal, which one is harmless, and which one leaves the outcome open.

use std::error::Error;

use http::StatusCode;
use miroir_domain::NodeId;
use miroir_domain::document::strip_reserved_from_message;
use miroir_domain::error::{ErrorCode, ResponseError};
use miroir_ports::outbound::NodeError;
use serde_json::Value;

/// The longest chain of causes that a reason repeats, in characters.
const REASON_CHARS: usize = 400;

/// The outcome is open: the request may have been acted on.
pub(crate) fn unknown(node: &NodeId, reason: impl Into<String>) -> NodeError {
    NodeError::Unknown { node: node.clone(), reason: reason.into() }
}

/// Nothing of the request can have been acted on.
pub(crate) fn unreachable(node: &NodeId, reason: impl Into<String>) -> NodeError {
    NodeError::Unreachable { node: node.clone(), reason: reason.into() }
}

/// A request that failed before the node's status was read. Harmless only when no connection was made or the request
/// could not even be put together; in every other case bytes may have left.
pub(crate) fn from_send(node: &NodeId, error: reqwest::Error) -> NodeError {
    let harmless = error.is_connect() || error.is_builder();
    let reason = causes(&error.without_url());
    if harmless { unreachable(node, reason) } else { unknown(node, reason) }
}

/// An error and the errors below it in one line. Messages that only repeat what stands below them are left out.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if parts.last() != Some(&text) {
            parts.push(text);
        }
        next = error.source();
    }
    parts.join(": ").chars().take(REASON_CHARS).collect()
}

/// Whether a status is a decision of the node: 4xx, except 408, which a proxy may give after it passed the request on.
/// 429 is a decision too: who is asked too much does nothing.
pub(crate) fn is_refusal(status: StatusCode) -> bool {
    status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT
}

/// A refusal in the node's words, or in words of our own when its body is not an error object.
pub(crate) fn refused(node: &NodeId, status: StatusCode, body: Option<&[u8]>) -> NodeError {
    let error = body
        .and_then(|body| serde_json::from_slice(body).ok())
        .and_then(|value: Value| response_error(&value))
        .unwrap_or_else(|| {
            code_of(status)
                .with_message(format!("The node answered {status} without an error object that can be read."))
        });
    NodeError::Refused { node: node.clone(), status: status.as_u16(), error }
}

/// Reads an error object. The message and the code must be there; older servers and proxies that speak for a node
/// may lack the rest.
pub(crate) fn response_error(value: &Value) -> Option<ResponseError> {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    Some(ResponseError {
        message: strip_reserved_from_message(text("message")?),
        code: text("code")?.to_owned(),
        kind: text("type").unwrap_or("invalid_request").to_owned(),
        link: text("link").unwrap_or_default().to_owned(),
    })
}

/// The nearest code for a status that came without one.
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
    use super::*;

    fn node() -> NodeId {
        "node-1".parse().unwrap()
    }

    #[test]
    fn statuses_are_refusals_only_where_the_node_decided() {
        for status in [400, 401, 403, 404, 409, 413, 415, 429] {
            assert!(is_refusal(StatusCode::from_u16(status).unwrap()), "{status}");
        }
        for status in [200, 202, 301, 307, 408, 500, 502, 503, 504] {
            assert!(!is_refusal(StatusCode::from_u16(status).unwrap()), "{status}");
        }
    }

    #[test]
    fn refusal_makes_up_a_body_when_the_node_gives_none() {
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
    fn causes_join_in_one_bounded_line() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] std::io::Error);
        assert_eq!(causes(&Outer(std::io::Error::other("inner"))), "outer: inner");
        assert_eq!(causes(&std::io::Error::other("x".repeat(10_000))).len(), REASON_CHARS);
    }
}
