//! The query string of a request, with Meilisearch's messages for errors.

use crate::error::ApiError;
use crate::json::quoted;

/// The query string as names and values, decoded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query string without its `?`.
    pub(crate) fn parse(text: &str) -> Self {
        let decode = |part: &str| {
            let spaced = part.replace('+', " ");
            percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
        };
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(k, v)| (decode(k), decode(v)))
                .collect(),
        )
    }

    /// Refuses parameters that are not expected.
    pub(crate) fn only(&self, allowed: &[&str]) -> Result<(), ApiError> {
        let Some((unknown, _)) = self.0.iter().find(|(name, _)| !allowed.contains(&name.as_str())) else {
            return Ok(());
        };
        let message = format!("Unknown parameter `{unknown}`: expected one of {}", quoted(allowed));
        Err(ApiError::invalid("bad_request", message))
    }

    /// Returns whether there are no parameters.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns the value of a parameter that must be a positive integer.
    pub(crate) fn number<N: std::str::FromStr>(&self, name: &str, code: &str) -> Result<Option<N>, ApiError> {
        self.get(name).map(|text| text.parse().map_err(|_| not_a_number(name, text, code))).transpose()
    }

    /// Returns the value of a parameter that must be `true` or `false`.
    pub(crate) fn boolean(&self, name: &str, code: &str) -> Result<Option<bool>, ApiError> {
        self.get(name)
            .map(|text| {
                text.parse().map_err(|_| {
                    let expected = "as a boolean, expected either `true` or `false`";
                    invalid_parameter(name, &format!("could not parse `{text}` {expected}"), code)
                })
            })
            .transpose()
    }

    /// Returns the items of a comma-separated parameter, each with its name in error messages.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<(String, &str)>> {
        let text = self.get(name)?;
        let items: Vec<&str> = text.split(',').filter(|item| !item.is_empty()).collect();
        let several = items.len() > 1;
        let label = |index: usize| if several { format!("{name}[{index}]") } else { name.to_owned() };
        Some(items.iter().enumerate().map(|(index, item)| (label(index), *item)).collect())
    }
}

/// Creates the refusal for a parameter with an unusable value.
pub(crate) fn invalid_parameter(name: &str, problem: &str, code: &str) -> ApiError {
    ApiError::invalid(code, format!("Invalid value in parameter `{name}`: {problem}"))
}

/// Creates the refusal for a parameter that is not a number.
pub(crate) fn not_a_number(name: &str, text: &str, code: &str) -> ApiError {
    invalid_parameter(name, &format!("could not parse `{text}` as a positive integer"), code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_decodes_names_and_values() {
        let query = Query::parse("a=1%2C2&b+c=d%20e&flag");
        assert_eq!(query.get("a"), Some("1,2"));
        assert_eq!(query.get("b c"), Some("d e"));
        assert_eq!(query.get("flag"), Some(""));
        assert!(query.only(&["a", "flag"]).unwrap_err().message.starts_with("Unknown parameter `b c`"));
    }

    #[test]
    fn list_names_its_items_in_errors() {
        let query = Query::parse("uids=1,2&types=a");
        assert_eq!(query.list("uids"), Some(vec![("uids[0]".to_owned(), "1"), ("uids[1]".to_owned(), "2")]));
        assert_eq!(query.list("types"), Some(vec![("types".to_owned(), "a")]));
        assert_eq!(query.list("statuses"), None);
    }
}
