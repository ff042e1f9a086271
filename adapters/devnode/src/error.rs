//! Errors in Meilisearch's form: `{message, code, type, link}`.

use serde_json::{Value, json};

/// A refusal of a request, or the error of a failed task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    /// The HTTP status; unused in tasks.
    pub(crate) status: u16,
    /// The machine-readable code.
    pub(crate) code: String,
    /// The message for people.
    pub(crate) message: String,
}

impl ApiError {
    /// Creates a refusal with status 400.
    pub(crate) fn invalid(code: &str, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.to_owned(), message: message.into() }
    }

    /// Creates a refusal with another status.
    pub(crate) fn with_status(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into() }
    }

    /// Creates the refusal for an index that does not exist.
    pub(crate) fn index_not_found(uid: &str) -> Self {
        Self::with_status(404, "index_not_found", format!("Index `{uid}` not found."))
    }

    /// Adds the name of an index in front of the message.
    pub(crate) fn in_index(mut self, uid: &str) -> Self {
        self.message = format!("Index `{uid}`: {}", self.message);
        self
    }

    /// Returns the body of the response, which is also the `error` of a task.
    pub(crate) fn body(&self) -> Value {
        let kind = match self.code.as_str() {
            "missing_authorization_header" | "invalid_api_key" | "missing_master_key" => "auth",
            "internal" => "internal",
            _ => "invalid_request",
        };
        json!({
            "message": self.message,
            "code": self.code,
            "type": kind,
            "link": format!("https://docs.meilisearch.com/errors#{}", self.code),
        })
    }
}
