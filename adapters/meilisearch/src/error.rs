//! Which failure is a refusal, which one is harmless, and which one leaves the outcome open.

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
    #[error("it did not answer in time")]
    Late,
    /// The body did not end before the deadline.
    #[error("it began to answer and did not finish in time")]
    Unfinished,
    /// The body is longer than so many bytes.
    #[error("its answer is longer than {0} bytes")]
    TooLong(usize),
    /// The connection failed while the body was read.
    #[error(transparent)]
    Broken(reqwest::Error),
    /// A status that is neither success nor refusal, with the node's message if it sent one.
    #[error("it answered {0}{message}", message = .1.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
    Status(StatusCode, Option<String>),
    /// A body that is not the JSON that the route returns.
    #[error("its answer is not what was expected")]
    Unexpected(#[source] serde_json::Error),
}

/// A request that failed before the node's status was read. Harmless only when no connection was made or the request
/// could not even be put together; in every other case bytes may have left.
pub(crate) fn from_send(node: &NodeId, error: reqwest::Error) -> NodeError {
    let harmless = error.is_connect() || error.is_builder();
    let error = error.without_url();
    if harmless { NodeError::unreachable(node, error) } else { NodeError::unknown(node, error) }
}

/// The failure that a status means which is neither success nor refusal.
pub(crate) fn undecided(status: StatusCode, body: Option<&[u8]>) -> ResponseFailure {
    let message = body
        .and_then(|body| serde_json::from_slice::<Value>(body).ok())
        .and_then(|value| Some(response_error(&value)?.message));
    ResponseFailure::Status(status, message)
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
    use miroir_ports::error_chain;

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
    fn failure_names_its_cause() {
        let unexpected = serde_json::from_str::<u32>("{}").map_err(ResponseFailure::Unexpected).unwrap_err();
        let error = NodeError::unknown(&node(), unexpected);
        assert_eq!(error.to_string(), "node `node-1` gave no usable answer");
        let chain = error_chain(&error);
        let says =
            "gave no usable answer: its answer is not what was expected: invalid type: map, expected u32";
        assert!(chain.contains(says), "{chain}");
    }

    #[test]
    fn status_that_decides_nothing_comes_with_the_words_of_the_node() {
        let words = br#"{"message":"no space left","code":"no_space_left_on_device"}"#;
        for (body, shown) in [
            (Some(&words[..]), "it answered 503 Service Unavailable: no space left"),
            (Some(b"<html>"), "it answered 503 Service Unavailable"),
            (None, "it answered 503 Service Unavailable"),
        ] {
            assert_eq!(undecided(StatusCode::SERVICE_UNAVAILABLE, body).to_string(), shown);
        }
    }
}
