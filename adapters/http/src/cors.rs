//! Cross-origin requests of browsers. They are allowed on client routes, as on a Meilisearch server, but
//! never on `/_miroir`: on loopback these routes need no key, so any page open in a developer's browser could
//! call them.

use http::{HeaderMap, HeaderValue, Method, header};

use crate::router::segments;

const METHODS: &str = "GET, POST, PUT, PATCH, DELETE";
const VARY: &str = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

/// Returns whether `path` is outside `/_miroir`. The path is read as the router reads it, so that no spelling
/// of `/_miroir` passes for another path.
fn is_client_path(path: &str) -> bool {
    segments(path).next().is_none_or(|first| first != "_miroir")
}

/// Returns the response headers of a preflight request. Returns `None` for any other request.
pub(crate) fn preflight(method: &Method, path: &str, sent: &HeaderMap) -> Option<HeaderMap> {
    let is_preflight = method == Method::OPTIONS
        && sent.contains_key(header::ORIGIN)
        && sent.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if !is_preflight || !is_client_path(path) {
        return None;
    }
    let mut response = HeaderMap::new();
    response.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
    response.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    if let Some(wanted) = sent.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        response.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    Some(response)
}

/// Allows pages of other origins to read the response.
pub(crate) fn allow_origin(path: &str, sent: &HeaderMap, response: &mut HeaderMap) {
    if !is_client_path(path) {
        return;
    }
    response.insert(header::VARY, HeaderValue::from_static(VARY));
    if sent.contains_key(header::ORIGIN) {
        response.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
}
