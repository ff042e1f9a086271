//! The query parameters that a route accepts, and the refusal of others.

use crate::error::Failure;
use crate::query::Query;

/// The query parameters of a route. Each is named as in `openapi/parameter.json`, where a group precedes the
/// name: `page.limit` is the parameter `limit` of a page.
#[derive(Debug, Clone)]
pub(crate) enum QueryRule {
    /// The route reads no parameters and ignores all of them, as a Meilisearch server does.
    Ignored,
    /// The route reads these. Unknown names are refused before the handler runs.
    Only(&'static [&'static str]),
    /// The route reads these. The parser that the handler calls refuses unknown names, in the order and the
    /// wording of a Meilisearch server.
    Parsed(&'static [&'static str]),
}

impl QueryRule {
    /// Returns the parameters by their names in `openapi/parameter.json`.
    pub(crate) fn parameters(&self) -> &'static [&'static str] {
        match self {
            Self::Ignored => &[],
            Self::Only(parameters) | Self::Parsed(parameters) => parameters,
        }
    }

    /// Returns the names that a query may contain. Returns `None` if the route ignores the query.
    pub(crate) fn names(&self) -> Option<Vec<&'static str>> {
        match self {
            Self::Ignored => None,
            Self::Only(parameters) | Self::Parsed(parameters) => {
                Some(parameters.iter().copied().map(query_name).collect())
            }
        }
    }

    /// Refuses the first unknown name of `query`, if the parser of the handler does not.
    pub(crate) fn check(&self, query: &Query) -> Result<(), Failure> {
        match (self, self.names()) {
            (Self::Only(_), Some(known)) => query.only(&known),
            _ => Ok(()),
        }
    }
}

/// Returns the name of a parameter in a query: the part after its group.
pub(crate) fn query_name(parameter: &'static str) -> &'static str {
    parameter.rsplit_once('.').map_or(parameter, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refuses_unknown_names_and_lists_known_ones() {
        let rule = QueryRule::Only(&["aliases.after", "page.limit"]);
        assert_eq!(rule.check(&Query::parse("limit=x&after=")), Ok(()));
        let refusal = rule.check(&Query::parse("limit=1&limi=1")).unwrap_err();
        let expected = "Unknown parameter `limi`: did you mean `limit`? expected one of `after`, `limit`";
        assert_eq!(refusal.error.message, expected);
        assert!(QueryRule::Only(&[]).check(&Query::parse("x")).is_err());
    }

    #[test]
    fn ignored_and_parsed_accept_unknown_names() {
        assert_eq!(QueryRule::Ignored.check(&Query::parse("x=1")), Ok(()));
        assert_eq!(QueryRule::Parsed(&["search.q"]).check(&Query::parse("x=1")), Ok(()));
    }
}
