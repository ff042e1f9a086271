//! One HTTP request to a node, without its address.

use std::fmt;

use http::Method;
use miroir_domain::payload::PayloadPart;
use serde_json::Value;

/// A request.
#[derive(Debug)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The path from the node's root, with a leading slash. It consists of names that need no escaping in a
    /// path.
    pub path: String,
    /// The query parameters, not escaped yet.
    pub query: Vec<(String, String)>,
    /// The body.
    pub body: CallBody,
}

/// The body of a call.
#[derive(Debug)]
pub enum CallBody {
    /// No body.
    Empty,
    /// A JSON value.
    Json(Value),
    /// Documents, as a stream.
    Ndjson(PayloadPart),
}

impl Call {
    /// Creates a call without query or body.
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
