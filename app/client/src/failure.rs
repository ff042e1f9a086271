//! Failures of commands, with exit codes and advice.

use std::io::ErrorKind;

use http::StatusCode;
use serde_json::Value;

use crate::text::clean;

/// The exit code of other failures.
const FAILED: u8 = 1;

/// The failure of a command. Its messages contain no control characters from the server or the files.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Invalid arguments, environment variables or files.
    #[error("{0}")]
    Usage(String),
    /// No response.
    #[error("{0}")]
    Unreachable(String),
    /// A response with an error of Miroir.
    #[error("{message}")]
    Refused {
        /// The status of the response.
        status: StatusCode,
        /// The error, with advice.
        message: String,
        /// The unchanged body of the response.
        body: String,
    },
    /// A response that Miroir cannot have sent.
    #[error("{0}")]
    InvalidResponse(String),
    /// A failed task or canary, or a cluster that is not ready.
    #[error("{0}")]
    Unhealthy(String),
    /// A wait that exceeded its time limit.
    #[error("{0}")]
    TimedOut(String),
    /// An error of standard output.
    #[error("cannot write the output: {0}")]
    Output(#[source] std::io::Error),
}

impl Failure {
    /// Returns the exit code. `docs/cli.md` and `miroir help` list them.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Refused { status, .. } => match *status {
                StatusCode::NOT_FOUND => 3,
                StatusCode::CONFLICT | StatusCode::GONE | StatusCode::PRECONDITION_FAILED => 4,
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => 5,
                _ => FAILED,
            },
            Self::Unreachable(_) => 6,
            Self::Unhealthy(_) => 7,
            Self::TimedOut(_) => 8,
            Self::InvalidResponse(_) | Self::Output(_) => FAILED,
        }
    }

    /// Returns whether only the pipe was closed (`miroir task list | head`), which is not reported.
    pub fn is_silent(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == ErrorKind::BrokenPipe)
    }

    /// Returns whether the request can succeed soon, so that long work retries it.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused { status, .. } => matches!(
                *status,
                StatusCode::TOO_MANY_REQUESTS
                    | StatusCode::BAD_GATEWAY
                    | StatusCode::SERVICE_UNAVAILABLE
                    | StatusCode::GATEWAY_TIMEOUT
            ),
            _ => false,
        }
    }

    /// Makes the failure of a response with an error: its message, code and link, and advice if there is
    /// some.
    pub(crate) fn refused(status: StatusCode, body: &str, request: &str, server: &str) -> Self {
        let value: Value = serde_json::from_str(body).unwrap_or_default();
        let (Some(text), Some(code)) = (value["message"].as_str(), value["code"].as_str()) else {
            return Self::InvalidResponse(format!(
                "{server} returned {status} to {request} without an error of Miroir. Is this the URL of a Miroir server? Set \
                 another with --url or MIROIR_URL."
            ));
        };
        let mut message = format!("{}\n  code: {} ({})", clean(text), clean(code), status.as_u16());
        if let Some(link) = value["link"].as_str() {
            message.push_str("\n  see:  ");
            message.push_str(&clean(link));
        }
        if let Some(advice) = advice(status, code) {
            message.push_str("\n  try:  ");
            message.push_str(advice);
        }
        // An unknown route must not look like a missing alias or canary.
        let status = if code == "not_found" { StatusCode::NOT_IMPLEMENTED } else { status };
        Self::Refused { status, message, body: body.to_owned() }
    }
}

fn advice(status: StatusCode, code: &str) -> Option<&'static str> {
    Some(match (status, code) {
        (_, "miroir_invalid_auth") => {
            "set MIROIR_ADMIN_API_KEY to the server's auth.admin_key, or --admin-key-file to a file with it"
        }
        (_, "missing_authorization_header" | "invalid_api_key") => {
            "set MIROIR_API_KEY to the server's auth.master_key, or --api-key-file to a file with it"
        }
        (_, "not_found") => "the server does not have this route: is it older than this program?",
        (StatusCode::PRECONDITION_FAILED, _) => "read the current version with `show`, and retry with it",
        (StatusCode::SERVICE_UNAVAILABLE, _) => "check the cluster with `miroir topology ready`",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(status: u16, code: &str) -> Failure {
        let body = json!({ "message": "No.\u{1b}[2J", "code": code, "type": "t", "link": "l#\u{9b}x" });
        Failure::refused(StatusCode::from_u16(status).unwrap(), &body.to_string(), "GET /x", "http://h")
    }

    #[test]
    fn refused_shows_the_whole_error_without_control_characters() {
        let text = refused(412, "miroir_alias_version_mismatch").to_string();
        assert!(text.starts_with("No.\\u{1b}[2J\n"), "{text}");
        for part in
            ["miroir_alias_version_mismatch (412)", "see:  l#\\u{9b}x", "try:  read the current version"]
        {
            assert!(text.contains(part), "{text}");
        }
        assert!(!text.chars().any(|character| character.is_control() && character != '\n'), "{text:?}");
    }

    #[test]
    fn refused_names_the_missing_key() {
        for (code, variable) in
            [("miroir_invalid_auth", "MIROIR_ADMIN_API_KEY"), ("invalid_api_key", "MIROIR_API_KEY")]
        {
            assert!(refused(403, code).to_string().contains(variable));
        }
    }

    #[test]
    fn exit_code_depends_on_the_kind_of_failure() {
        for (failure, code) in [
            (Failure::Usage(String::new()), 2),
            (refused(404, "miroir_alias_not_found"), 3),
            (refused(404, "not_found"), 1),
            (refused(409, "miroir_alias_conflict"), 4),
            (refused(410, "miroir_changes_trimmed"), 4),
            (refused(412, "miroir_alias_version_mismatch"), 4),
            (refused(401, "miroir_invalid_auth"), 5),
            (refused(403, "invalid_api_key"), 5),
            (refused(400, "bad_request"), 1),
            (refused(503, "miroir_store_unavailable"), 1),
            (Failure::Unreachable(String::new()), 6),
            (Failure::Unhealthy(String::new()), 7),
            (Failure::TimedOut(String::new()), 8),
        ] {
            assert_eq!(failure.exit_code(), code, "{failure:?}");
        }
    }

    #[test]
    fn refused_doubts_the_url_of_another_server() {
        let failure = Failure::refused(StatusCode::BAD_GATEWAY, "<html>", "GET /x", "http://h");
        assert_eq!(failure.exit_code(), 1);
        assert!(failure.to_string().contains("MIROIR_URL"), "{failure}");
    }

    #[test]
    fn is_transient_only_for_failures_that_pass() {
        assert!(refused(503, "miroir_overloaded").is_transient());
        assert!(Failure::Unreachable(String::new()).is_transient());
        assert!(!refused(410, "miroir_changes_trimmed").is_transient());
    }
}
