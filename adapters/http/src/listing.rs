//! The list of routes, and the OpenAPI document.

use std::sync::LazyLock;

use bytes::Bytes;

use crate::route::Route;
use crate::{openapi, routes};

/// One route, for documents and tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteInfo {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path, with `{names}` for its parameters.
    pub template: String,
    /// False if the response is 501 `miroir_not_supported`.
    pub supported: bool,
    /// The names of its query parameters. `None` if it ignores the query.
    pub query: Option<Vec<&'static str>>,
}

/// Returns every route, in the order of their declarations.
pub fn route_list() -> Vec<RouteInfo> {
    let info = |route: Route| RouteInfo {
        method: route.method.to_string(),
        template: route.template,
        supported: route.supported,
        query: route.query.names(),
    };
    routes::all().into_iter().map(info).collect()
}

/// Returns the text of the OpenAPI document, as in `docs/openapi.json`.
pub fn openapi_text() -> String {
    // The alternate form of a JSON value is indented, and ends without a line break.
    format!("{:#}\n", openapi::document(&routes::all()))
}

/// Returns the text of the OpenAPI document. It is made once.
pub(crate) fn openapi_bytes() -> Bytes {
    static TEXT: LazyLock<Bytes> = LazyLock::new(|| openapi_text().into());
    TEXT.clone()
}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
