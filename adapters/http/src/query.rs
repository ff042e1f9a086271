//! The query of a URL, decoded once and read by name.

use miroir_domain::change::FeedPosition;
use miroir_domain::error::ErrorCode;
use miroir_domain::wording::excerpt;
use serde_json::Value;

use crate::error::Failure;
use crate::suggestion::{Named, unknown};

/// The maximum number of characters of a refused value that an error repeats.
const EXCERPT_CHARS: usize = 200;

/// Query parameters, percent-decoded, in order. Invalid UTF-8 is replaced, as by a Meilisearch server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(raw: &str) -> Self {
        Self(form_urlencoded::parse(raw.as_bytes()).into_owned().collect())
    }

    /// Returns every parameter, in order.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Refuses the first parameter that is not `known`.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Failure> {
        match self.0.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => Err(unknown(Named::Parameter, name, known)),
            None => Ok(()),
        }
    }

    /// Returns the value of a parameter. Of a repeated parameter the last value counts, as on a Meilisearch
    /// server.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(candidate, _)| candidate == name).map(|(_, value)| value.as_str())
    }

    /// Returns the value of a parameter as an owned string.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// Returns the value of a numeric parameter.
    pub(crate) fn number(&self, name: &str, code: ErrorCode) -> Result<Option<u64>, Failure> {
        self.parsed(name, code, "a positive integer", |value| value.parse().ok())
    }

    /// Returns the value of a parameter that is a position in a feed of changes.
    pub(crate) fn position(&self, name: &str, code: ErrorCode) -> Result<Option<FeedPosition>, Failure> {
        let expected = "a positive integer, or an epoch and a number such as `1:42`";
        self.parsed(name, code, expected, |value| value.parse().ok())
    }

    /// Returns the value of a parameter that is `true` or `false`.
    pub(crate) fn boolean(&self, name: &str, code: ErrorCode) -> Result<Option<bool>, Failure> {
        self.parsed(name, code, "a boolean, expected either `true` or `false`", |value| value.parse().ok())
    }

    /// Returns the value of a comma-separated parameter, as a JSON array of strings.
    pub(crate) fn list(&self, name: &str) -> Option<Value> {
        self.get(name).map(|value| value.split(',').map(Value::from).collect())
    }

    fn parsed<T>(
        &self,
        name: &str,
        code: ErrorCode,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let parsed = parse(value).ok_or_else(|| {
            let given = excerpt(value, EXCERPT_CHARS);
            let message =
                format!("Invalid value in parameter `{name}`: could not parse `{given}` as {expected}");
            Failure::refused(code, message)
        })?;
        Ok(Some(parsed))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parse_decodes_and_keeps_the_order() {
        let query = Query::parse("q=a%20b+c&&filter=%5B%22x%22%5D&bad=%ff%zz&flag");
        let pairs: Vec<_> = query.pairs().collect();
        let expected = [("q", "a b c"), ("filter", "[\"x\"]"), ("bad", "\u{fffd}%zz"), ("flag", "")];
        assert_eq!(pairs, expected);
    }

    #[test]
    fn number_reads_the_last_of_repeated_parameters() {
        let query = Query::parse("limit=1&limit=2");
        assert_eq!(query.number("limit", ErrorCode::InvalidIndexLimit), Ok(Some(2)));
    }

    #[test]
    fn list_splits_at_commas() {
        let query = Query::parse("fields=a,b&empty=");
        assert_eq!(query.list("fields"), Some(json!(["a", "b"])));
        assert_eq!(query.list("empty"), Some(json!([""])));
        assert_eq!(query.list("none"), None);
    }

    #[test]
    fn invalid_values_are_refused_in_the_wording_of_meilisearch() {
        for bad in ["a", "", "-1", "1.5", "99999999999999999999999", " 1"] {
            let query = Query(vec![("limit".to_owned(), bad.to_owned())]);
            let failure = query.number("limit", ErrorCode::InvalidIndexLimit).unwrap_err();
            let expected =
                format!("Invalid value in parameter `limit`: could not parse `{bad}` as a positive integer");
            assert_eq!(failure.error.message, expected);
            assert_eq!(failure.error.code, "invalid_index_limit");
        }
        let failure = Query::parse("x=1").boolean("x", ErrorCode::BadRequest).unwrap_err();
        assert!(failure.error.message.ends_with("as a boolean, expected either `true` or `false`"));
    }
}
