//! Browsers on other origins may use client routes, as they may a Meilisearch server; never `/_miroir`, which answers
//! without a key on loopback, where any page a developer looks at could ask.

use http::{HeaderMap, HeaderValue, Method, header};

use crate::router::segments;

const METHODS: &str = "GET, POST, PUT, PATCH, DELETE";
const VARY: &str = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

/// Read as the router reads it, so that no spelling of `/_miroir` passes for another path.
fn is_client_path(path: &str) -> bool {
    segments(path).next().is_none_or(|first| first != "_miroir")
}

/// The headers that answer a preflight request; none when it is not one.
pub(crate) fn preflight(method: &Method, path: &str, sent: &HeaderMap) -> Option<HeaderMap> {
    let asks = method == Method::OPTIONS
        && sent.contains_key(header::ORIGIN)
        && sent.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if !asks || !is_client_path(path) {
        return None;
    }
    let mut answer = HeaderMap::new();
    answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
    answer.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    if let Some(wanted) = sent.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    Some(answer)
}

/// Lets a page of another origin read the answer.
pub(crate) fn allow_origin(path: &str, sent: &HeaderMap, answer: &mut HeaderMap) {
    if !is_client_path(path) {
        return;
    }
    answer.insert(header::VARY, HeaderValue::from_static(VARY));
    if sent.contains_key(header::ORIGIN) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
}
