//! Problems of a configuration.

use std::borrow::Cow;
use std::fmt;

use super::Origin;

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, such as `nodes[1].url`. Empty if the problem is the whole source.
    pub path: String,
    /// The source of the value. `None` if the problem lies in several values together.
    pub origin: Option<Origin>,
    /// The problem and its solution, in a sentence without a full stop.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.path.as_str(), &self.origin) {
            ("", None) => write!(formatter, "{}", self.message),
            ("", Some(origin)) => write!(formatter, "{origin}: {}", self.message),
            (path, None) => write!(formatter, "`{path}`: {}", self.message),
            (path, Some(origin)) => write!(formatter, "`{path}` ({origin}): {}", self.message),
        }
    }
}

/// All problems of a configuration, so that they can be fixed at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The problems, at least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        write!(formatter, "the configuration has {count} {noun}")?;
        for problem in &self.problems {
            write!(formatter, "\n  - {problem}")?;
        }
        Ok(())
    }
}

/// The maximum length of a value that a message repeats, in characters.
const EXCERPT_CHARS: usize = 60;

/// Returns the beginning of `text`, with control characters escaped and passwords of URLs masked.
pub(super) fn excerpt(text: &str) -> String {
    let text = without_password(text);
    let mut shown: String = text.chars().take(EXCERPT_CHARS).flat_map(char::escape_debug).collect();
    if text.chars().nth(EXCERPT_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

/// Masks user and password of a URL.
fn without_password(text: &str) -> Cow<'_, str> {
    match text.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?.1))) {
        Some((scheme, host)) => format!("{scheme}://***@{host}").into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_short_and_show_no_password_of_a_url() {
        for (text, shown) in [
            ("plain", "plain"),
            ("a\tb", "a\\tb"),
            ("a@b", "a@b"),
            ("http://h:1/@", "http://***@"),
            ("redis://u:p@ss@h:1/0", "redis://***@h:1/0"),
            (&"x".repeat(61), &format!("{}…", "x".repeat(60))),
        ] {
            assert_eq!(excerpt(text), shown);
        }
    }
}
