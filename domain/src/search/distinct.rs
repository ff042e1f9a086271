//! Distinct across nodes: each node keeps one document per value of its own, the merge keeps one per value of
//! all.

use std::collections::HashSet;

use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use super::hit::Hit;
use super::path;

/// A value that two documents can have in common.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Shared {
    Text(String),
    /// The bits of a number, the same for an integer and a float of one value.
    Number(u64),
}

/// Returns a text as Meilisearch compares it in facets and in distinct: without case, and independent of how
/// a letter is composed.
pub(super) fn normalize(text: &str) -> String {
    text.trim().nfkd().collect::<String>().to_lowercase()
}

/// A filter that keeps the first hit of every value.
pub(super) struct Distinct<'a> {
    attribute: Option<&'a str>,
    seen: HashSet<Shared>,
}

impl<'a> Distinct<'a> {
    /// Creates the filter for `attribute`. With `None` it keeps every hit.
    pub(super) fn new(attribute: Option<&'a str>) -> Self {
        Self { attribute, seen: HashSet::new() }
    }

    /// Returns whether `hit` has no value of a hit that was kept before. The hit is then kept itself.
    ///
    /// As on a server, an array stands for each of its items, and a hit without the attribute is always kept.
    /// The values of a dropped hit do not count against later hits.
    pub(super) fn keeps(&mut self, hit: &Hit) -> bool {
        let Some(attribute) = self.attribute else {
            return true;
        };
        let mut values = Vec::new();
        path::visit_items(hit, attribute, &mut |value| values.extend(shared(value)));
        if values.iter().any(|value| self.seen.contains(value)) {
            return false;
        }
        self.seen.extend(values);
        true
    }
}

fn shared(value: &Value) -> Option<Shared> {
    match value {
        Value::String(text) => Some(Shared::Text(normalize(text))),
        Value::Bool(flag) => Some(Shared::Text(flag.to_string())),
        Value::Number(number) => number.as_f64().map(|number| Shared::Number((number + 0.0).to_bits())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kept(attribute: Option<&str>, hits: Value) -> Vec<usize> {
        let mut distinct = Distinct::new(attribute);
        let Value::Array(hits) = hits else { panic!("an array of hits") };
        (0..hits.len()).filter(|&place| distinct.keeps(hits[place].as_object().unwrap())).collect()
    }

    #[test]
    fn keeps_the_first_of_each_value() {
        let hits =
            json!([{"a": "X"}, {"a": " x "}, {"a": 1}, {"a": 1.0}, {"a": true}, {"a": "TRUE"}, {"a": "1"}]);
        assert_eq!(kept(Some("a"), hits), [0, 2, 4, 6]);
    }

    #[test]
    fn keeps_every_hit_without_a_value() {
        let hits = json!([{}, {"a": null}, {"b": 1}, {"a": {"c": 1}}, {"a": []}]);
        assert_eq!(kept(Some("a"), hits), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn drops_a_hit_that_shares_any_item_and_forgets_its_others() {
        let hits = json!([{"a": ["x", "y"]}, {"a": ["y", "z"]}, {"a": "z"}, {"a": ["q", "x"]}]);
        assert_eq!(kept(Some("a"), hits), [0, 2]);
    }

    #[test]
    fn keeps_finds_nested_attributes() {
        let hits = json!([{"a": {"b": 1}}, {"a": [{"b": 1}, {"b": 2}]}, {"a": {"b": 2}}]);
        assert_eq!(kept(Some("a.b"), hits), [0, 2]);
    }

    #[test]
    fn keeps_everything_without_an_attribute() {
        assert_eq!(kept(None, json!([{"a": 1}, {"a": 1}])), [0, 1]);
    }

    #[test]
    fn keeps_treats_two_compositions_of_a_letter_as_equal() {
        assert_eq!(kept(Some("a"), json!([{"a": "\u{e9}"}, {"a": "e\u{301}"}, {"a": "e"}])), [0, 2]);
    }
}
