//! One HTTP request to a node, before it has an address.

use std::fmt;

use http::Method;
use miroir_domain::payload::PayloadPart;
use serde_json::Value;

/// What is sent.
pub(crate) struct Call {
    pub method: Method,
    /// From the node's root, with a slash in front. Made of names whose alphabets need no escaping in a path.
    pub path: String,
    /// Escaped when sent.
    pub query: Vec<(String, String)>,
    pub body: CallBody,
}

/// The body of a call.
pub(crate) enum CallBody {
    Empty,
    Json(Value),
    /// Documents, streamed.
    Ndjson(PayloadPart),
}

impl Call {
    /// A call without query or body.
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: Vec::new(), body: CallBody::Empty }
    }

    /// Adds a query parameter.
    pub(crate) fn with_query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Sets a JSON body.
    pub(crate) fn with_json(mut self, body: Value) -> Self {
        self.body = CallBody::Json(body);
        self
    }
}

impl fmt::Display for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method, self.path)
    }
}
