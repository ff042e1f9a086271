//! The ids of canaries.

use std::fmt;
use std::str::FromStr;

use crate::error::{ErrorCode, InvalidRequest};
use crate::id::is_plain_name;
use crate::wording::{NAME_CHARS, excerpt};

/// The prefix of the id of a canary that belongs to the configuration. Other ids cannot have a colon, so a
/// client can neither imitate a configured canary nor take its id.
const CONFIGURED: &str = "config:";
/// Names that are paths beside the canaries.
const PATHS: [&str; 2] = ["status", "capture"];

/// The id of a canary: a name of 1 to 128 characters of `A-Z a-z 0-9 - _`, after `config:` if the canary
/// belongs to the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CanaryId(String);

impl CanaryId {
    /// The maximum length of the name, in bytes.
    pub const MAX_BYTES: usize = 128;

    /// Reads the name that a person gives a canary.
    pub fn of_name(name: &str) -> Result<Self, InvalidRequest> {
        if !is_plain_name(name, Self::MAX_BYTES) {
            return Err(refuse(
                name,
                "must be 1 to 128 characters of A-Z, a-z, 0-9, hyphen (-) and underscore (_)",
            ));
        }
        if PATHS.contains(&name) {
            return Err(refuse(name, "is reserved for a route"));
        }
        Ok(Self(name.to_owned()))
    }

    /// Returns the id of the configured canary of this name.
    #[must_use]
    pub fn configured(self) -> Self {
        if self.is_configured() { self } else { Self(format!("{CONFIGURED}{}", self.0)) }
    }

    /// Returns whether the canary belongs to the configuration.
    pub fn is_configured(&self) -> bool {
        Self::marks_configured(&self.0)
    }

    /// Returns whether an id in a store is that of a configured canary.
    pub fn marks_configured(id: &str) -> bool {
        id.starts_with(CONFIGURED)
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn refuse(id: &str, why: &str) -> InvalidRequest {
    let shown = excerpt(id, NAME_CHARS);
    InvalidRequest::new(
        ErrorCode::MiroirInvalidCanary,
        format!("`{shown}` is not a valid canary id: it {why}."),
    )
}

impl FromStr for CanaryId {
    type Err = InvalidRequest;

    fn from_str(text: &str) -> Result<Self, InvalidRequest> {
        match text.strip_prefix(CONFIGURED) {
            Some(name) => Ok(Self::of_name(name)?.configured()),
            None => Self::of_name(text),
        }
    }
}

impl fmt::Display for CanaryId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_name_accepts_its_alphabet_and_length_only() {
        for good in ["a", "Top-film_1", &"x".repeat(128)] {
            assert_eq!(CanaryId::of_name(good).unwrap().as_str(), good);
            assert_eq!(good.parse::<CanaryId>().unwrap().to_string(), good);
        }
        for bad in ["", "a b", "a/b", "é", "a:b", "config:a", "status", "capture", &"x".repeat(129)] {
            assert_eq!(CanaryId::of_name(bad).unwrap_err().code, ErrorCode::MiroirInvalidCanary, "{bad:?}");
        }
        assert!(CanaryId::of_name(&"é".repeat(100_000)).unwrap_err().message.len() < 1_000);
    }

    #[test]
    fn configured_ids_round_trip() {
        let plain = CanaryId::of_name("a").unwrap();
        let configured = plain.clone().configured();
        assert_eq!(configured.as_str(), "config:a");
        assert!(configured.is_configured() && !plain.is_configured());
        assert_eq!("config:a".parse(), Ok(configured.clone()));
        assert_eq!(configured.clone().configured(), configured);
        for bad in ["config:", "config:a b", "config:config:a", "config:status", "Config:a"] {
            assert!(bad.parse::<CanaryId>().is_err(), "{bad}");
        }
    }
}
