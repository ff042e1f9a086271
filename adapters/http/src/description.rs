//! The part of a declaration that is only for the OpenAPI document.

use miroir_domain::error::ErrorCode;

use crate::tag::Tag;

/// The documentation of a route.
#[derive(Debug, Clone)]
pub(crate) struct Description {
    /// The name of the operation, for generators of clients.
    pub(crate) id: String,
    /// A few words for people.
    pub(crate) summary: String,
    /// Further sentences.
    pub(crate) text: Option<&'static str>,
    /// The group. `None` until the table of routes sets it.
    pub(crate) tag: Option<Tag>,
    /// The headers that the route reads, by their names in `openapi/parameter.json`.
    pub(crate) headers: &'static [&'static str],
    /// The body that the route reads.
    pub(crate) body: Option<RequestBody>,
    /// The responses without an error.
    pub(crate) responses: Vec<DescribedResponse>,
    /// The error codes of this route, beside those that follow from its access, its body and its query.
    pub(crate) errors: Vec<ErrorCode>,
}

impl Description {
    /// Returns a description without request parts, responses and errors.
    pub(crate) fn new(id: String, summary: String) -> Self {
        Self {
            id,
            summary,
            text: None,
            tag: None,
            headers: &[],
            body: None,
            responses: Vec::new(),
            errors: Vec::new(),
        }
    }
}

/// The body of a request.
#[derive(Debug, Clone)]
pub(crate) enum RequestBody {
    /// JSON of the schema with this name.
    Json(String),
    /// Documents as JSON, NDJSON or CSV.
    Documents,
}

/// A response without an error.
#[derive(Debug, Clone)]
pub(crate) struct DescribedResponse {
    pub(crate) status: u16,
    pub(crate) description: &'static str,
    /// Headers beside `X-Request-Id`.
    pub(crate) headers: &'static [&'static str],
    /// The schema of each media type. Empty if the response has no body.
    pub(crate) content: Vec<(&'static str, Schema)>,
}

/// The shape of a body.
#[derive(Debug, Clone)]
pub(crate) enum Schema {
    /// The schema with this name in `openapi/schema/`.
    Named(String),
    /// Any text.
    Text,
}
