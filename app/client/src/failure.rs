//! Why a command ends badly, with which exit code, and what to do about it.

use std::io::ErrorKind;

use http::StatusCode;
use serde_json::Value;

use crate::text::clean;

/// The exit code of what fits no other.
const FAILED: u8 = 1;

/// Why a command ends badly. What others wrote is cleaned when this is made, so it can be printed as it is.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The arguments, the environment or a file make no request.
    #[error("{0}")]
    Usage(String),
    /// There was no answer.
    #[error("{0}")]
    Unreachable(String),
    /// Miroir refused.
    #[error("{message}")]
    Refused {
        /// The status of its answer.
        status: StatusCode,
        /// Everything there is to say.
        message: String,
        /// The body of its answer, as it came.
        body: String,
    },
    /// The answer is not one that Miroir gives.
    #[error("{0}")]
    Strange(String),
    /// Everything was answered, and what was asked about is not well.
    #[error("{0}")]
    Bad(String),
    /// What was waited for did not happen in time.
    #[error("{0}")]
    TimeUp(String),
    /// Standard output takes no more.
    #[error("cannot write the output: {0}")]
    Output(#[source] std::io::Error),
}

impl Failure {
    /// The exit code: `docs/cli.md` and `miroir help` list them.
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
            Self::Bad(_) => 7,
            Self::TimeUp(_) => 8,
            Self::Strange(_) | Self::Output(_) => FAILED,
        }
    }

    /// Whether it is no failure at all: the reader of the output has seen enough (`miroir task list | head`).
    pub fn is_silent(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == ErrorKind::BrokenPipe)
    }

    /// Whether the same request may well be answered in a moment, so that long work waits for it.
    pub(crate) fn may_pass(&self) -> bool {
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

    /// A refusal: the server's sentence, its code and link, and what to do where that is known here.
    pub(crate) fn refused(status: StatusCode, body: &str, request: &str, server: &str) -> Self {
        let value: Value = serde_json::from_str(body).unwrap_or_default();
        let (Some(said), Some(code)) = (value["message"].as_str(), value["code"].as_str()) else {
            return Self::Strange(format!(
                "{server} answered {request} with {status}, and not as Miroir does. Is a Miroir there? Name another \
                 server with --url or MIROIR_URL."
            ));
        };
        let mut message = format!("{}\n  code: {} ({})", clean(said), clean(code), status.as_u16());
        if let Some(link) = value["link"].as_str() {
            message.push_str("\n  see:  ");
            message.push_str(&clean(link));
        }
        if let Some(advice) = advice(status, code) {
            message.push_str("\n  try:  ");
            message.push_str(advice);
        }
        // A path that the server does not know is no thing that was not found.
        let status = if code == "not_found" { StatusCode::NOT_IMPLEMENTED } else { status };
        Self::Refused { status, message, body: body.to_owned() }
    }
}

fn advice(status: StatusCode, code: &str) -> Option<&'static str> {
    Some(match (status, code) {
        (_, "miroir_invalid_auth") => {
            "set MIROIR_ADMIN_API_KEY to the server's auth.admin_key, or name a file that holds it with --admin-key-file"
        }
        (_, "missing_authorization_header" | "invalid_api_key") => {
            "set MIROIR_API_KEY to the server's auth.master_key, or name a file that holds it with --api-key-file"
        }
        (_, "not_found") => "the server does not know this request: is it older than this program?",
        (StatusCode::PRECONDITION_FAILED, _) => {
            "look at it again with `show`, and repeat with its version if the change is still wanted"
        }
        (StatusCode::SERVICE_UNAVAILABLE, _) => "`miroir topology ready` tells what is missing",
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
    fn refusals_tell_all_the_server_said_and_nothing_a_terminal_obeys() {
        let text = refused(412, "miroir_alias_version_mismatch").to_string();
        assert!(text.starts_with("No.\\u{1b}[2J\n"), "{text}");
        for part in ["miroir_alias_version_mismatch (412)", "see:  l#\\u{9b}x", "try:  look at it again"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(!text.chars().any(|character| character.is_control() && character != '\n'), "{text:?}");
    }

    #[test]
    fn keys_that_are_missing_are_named() {
        for (code, variable) in
            [("miroir_invalid_auth", "MIROIR_ADMIN_API_KEY"), ("invalid_api_key", "MIROIR_API_KEY")]
        {
            assert!(refused(403, code).to_string().contains(variable));
        }
    }

    #[test]
    fn exit_codes_tell_what_kind_of_failure_it_is() {
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
            (Failure::Bad(String::new()), 7),
            (Failure::TimeUp(String::new()), 8),
        ] {
            assert_eq!(failure.exit_code(), code, "{failure:?}");
        }
    }

    #[test]
    fn answers_of_something_else_ask_whether_it_is_miroir() {
        let failure = Failure::refused(StatusCode::BAD_GATEWAY, "<html>", "GET /x", "http://h");
        assert_eq!(failure.exit_code(), 1);
        assert!(failure.to_string().contains("MIROIR_URL"), "{failure}");
    }

    #[test]
    fn what_may_pass_is_waited_for() {
        assert!(refused(503, "miroir_overloaded").may_pass());
        assert!(Failure::Unreachable(String::new()).may_pass());
        assert!(!refused(410, "miroir_changes_trimmed").may_pass());
    }
}
