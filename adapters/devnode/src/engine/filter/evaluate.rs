//! The evaluation of a filter for a document.

use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use super::expression::{Attribute, Comparison, Filter};
use crate::document::Document;

impl Filter {
    /// Returns whether a document passes.
    pub(crate) fn matches(&self, document: &Document) -> bool {
        match self {
            Self::Compare(attribute, Comparison::NotEqual, wanted) => {
                !compare_any(document, attribute, Comparison::Equal, wanted)
            }
            Self::Compare(attribute, comparison, wanted) => {
                compare_any(document, attribute, *comparison, wanted)
            }
            Self::Between(attribute, from, to) => scalars(document, attribute).any(|value| {
                compare(value, Comparison::GreaterOrEqual, from)
                    && compare(value, Comparison::LowerOrEqual, to)
            }),
            Self::In(attribute, wanted) => {
                wanted.iter().any(|wanted| compare_any(document, attribute, Comparison::Equal, wanted))
            }
            Self::Exists(attribute) => !document.values_at(&attribute.name).is_empty(),
            Self::IsNull(attribute) => {
                document.values_at(&attribute.name).iter().any(|value| value.is_null())
            }
            Self::IsEmpty(attribute) => {
                document.values_at(&attribute.name).iter().any(|value| is_empty(value))
            }
            Self::Not(inner) => !inner.matches(document),
            Self::And(parts) => parts.iter().all(|part| part.matches(document)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(document)),
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn scalars<'d>(document: &'d Document, attribute: &Attribute) -> impl Iterator<Item = &'d Value> {
    document.scalars_at(&attribute.name).into_iter()
}

fn compare_any(document: &Document, attribute: &Attribute, comparison: Comparison, wanted: &str) -> bool {
    scalars(document, attribute).any(|value| compare(value, comparison, wanted))
}

/// Returns text as facets compare it: trimmed, lower-case, decomposed. Unlike in the words of a query,
/// accents count.
pub(crate) fn fold_facet(text: &str) -> String {
    text.trim().nfkd().collect::<String>().to_lowercase()
}

fn compare(value: &Value, comparison: Comparison, wanted: &str) -> bool {
    let order = match value {
        Value::Number(number) => {
            let (Some(number), Ok(wanted)) = (number.as_f64(), wanted.trim().parse::<f64>()) else {
                return false;
            };
            number.partial_cmp(&wanted)
        }
        Value::String(_) | Value::Bool(_) => {
            let text = value.as_str().map_or_else(|| value.to_string(), fold_facet);
            if text.is_empty() {
                // An empty text is not a value; only IS EMPTY and EXISTS consider it.
                return false;
            }
            let wanted = fold_facet(wanted);
            if comparison == Comparison::StartsWith {
                return text.starts_with(&wanted);
            }
            // A number is ordered against numbers only, so it does not match texts.
            if comparison != Comparison::Equal && wanted.parse::<f64>().is_ok() {
                return false;
            }
            Some(text.cmp(&wanted))
        }
        _ => None,
    };
    order.is_some_and(|order| match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
        Comparison::Lower => order.is_lt(),
        Comparison::LowerOrEqual => order.is_le(),
        Comparison::StartsWith => false,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::parameter::parse;
    use super::*;

    fn passes(filter: &Value, document: &str) -> bool {
        let document: Document = serde_json::from_str(document).unwrap();
        parse(filter, "code").unwrap().unwrap().matches(&document)
    }

    #[test]
    fn comparisons_hold_for_numbers_and_texts() {
        let document = r#"{"year":2015,"genres":["Drama","Comédie"],"o":{"a":[{"b":1},{"b":2}]},"yes":true}"#;
        for filter in [
            "year = 2015",
            "year >= 2015.0",
            "year < 2016",
            "year 2000 TO 2015",
            "year != 2016",
            "genres = drama",
            "genres = \"comédie\"",
            "genres IN [x, Drama]",
            "genres NOT IN [x]",
            "o.a.b = 2",
            "yes = true",
            "NOT year = 1",
            "year = 1 OR (genres = drama AND year > 1)",
            "missing != 3",
            "o EXISTS",
            "missing NOT EXISTS",
            "genres STARTS WITH dra",
        ] {
            assert!(passes(&json!(filter), document), "{filter}");
        }
        for filter in
            ["year = 2014", "year > 2015", "genres = dram", "missing = 1", "year STARTS WITH 2", "genres > 1"]
        {
            assert!(!passes(&json!(filter), document), "{filter}");
        }
    }

    #[test]
    fn null_and_empty_are_distinguished() {
        let document = r#"{"n":null,"e":"","l":[],"o":{}}"#;
        for filter in [
            "n IS NULL",
            "n EXISTS",
            "e IS EMPTY",
            "l IS EMPTY",
            "o IS EMPTY",
            "e IS NOT NULL",
            "n IS NOT EMPTY",
        ] {
            assert!(passes(&json!(filter), document), "{filter}");
        }
        assert!(!passes(&json!("e IS NULL"), document));
        assert!(!passes(&json!("missing IS EMPTY"), document));
    }

    #[test]
    fn arrays_are_conjunctions_of_disjunctions() {
        let document = r#"{"a":1,"b":2}"#;
        assert!(passes(&json!(["a = 1", ["b = 3", "b = 2"]]), document));
        assert!(!passes(&json!(["a = 1", ["b = 3", "b = 4"]]), document));
        assert_eq!(parse(&json!([]), "code"), Ok(None));
        assert_eq!(parse(&json!("  "), "code"), Ok(None));
    }
}
