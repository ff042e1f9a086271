//! The order of `_rankingScoreDetails`, parsed independently of Miroir.

use std::cmp::Ordering;

use anyhow::{Context, Result};
use serde_json::Value;

/// Position of a hit under one rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Name of the rule in the engine.
    pub rule: String,
    key: Key,
}

#[derive(Debug, Clone, PartialEq)]
enum Key {
    /// Numbers to compare one after another, greater ones first.
    Numbers(Vec<f64>),
    /// Value to sort by. The flag is true for ascending order.
    Sorted(Value, bool),
}

/// Positions of a hit under all rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Rank(pub Vec<Place>);

impl Rank {
    /// Parses the `_rankingScoreDetails` of a hit.
    pub fn of(hit: &Value) -> Result<Self> {
        let details =
            hit["_rankingScoreDetails"].as_object().with_context(|| format!("no details in {hit}"))?;
        let mut rules: Vec<(&String, &Value)> = details.iter().collect();
        rules.sort_by_key(|(_, detail)| detail["order"].as_u64());
        Ok(Self(rules.into_iter().map(|(rule, detail)| place(rule, detail)).collect()))
    }

    /// Compares two ranks. The better one is less.
    pub fn compare(&self, other: &Self) -> Ordering {
        let differing = self.0.iter().zip(&other.0).map(|(one, two)| one.key.compare(&two.key));
        differing.into_iter().find(|order| order.is_ne()).unwrap_or_else(|| other.0.len().cmp(&self.0.len()))
    }
}

fn place(rule: &str, detail: &Value) -> Place {
    let number = |key: &str| detail[key].as_f64().unwrap_or(-1.0);
    let key = match rule {
        "words" => Key::Numbers(vec![number("matchingWords")]),
        "typo" => Key::Numbers(vec![-number("typoCount")]),
        "attribute" => {
            Key::Numbers(vec![number("attributeRankingOrderScore"), number("queryWordDistanceScore")])
        }
        "exactness" => {
            let kind = match detail["matchType"].as_str() {
                Some("exactMatch") => 2.0,
                Some("matchesStart") => 1.0,
                _ => 0.0,
            };
            Key::Numbers(vec![kind, number("matchingWords")])
        }
        _ if detail.get("value").is_some() => Key::Sorted(detail["value"].clone(), rule.ends_with(":asc")),
        _ => Key::Numbers(vec![number("score")]),
    };
    Place { rule: rule.to_owned(), key }
}

impl Key {
    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Numbers(one), Self::Numbers(two)) => two.partial_cmp(one).unwrap_or(Ordering::Equal),
            (Self::Sorted(one, upwards), Self::Sorted(two, _)) => sorted(one, two, *upwards),
            (Self::Numbers(_), Self::Sorted(..)) => Ordering::Less,
            (Self::Sorted(..), Self::Numbers(_)) => Ordering::Greater,
        }
    }
}

/// Compares values: numbers before texts before nothing. The direction applies inside each kind.
fn sorted(one: &Value, two: &Value, upwards: bool) -> Ordering {
    let directed = |order: Ordering| if upwards { order } else { order.reverse() };
    match (one, two) {
        (Value::Number(one), Value::Number(two)) => {
            directed(one.as_f64().partial_cmp(&two.as_f64()).unwrap_or(Ordering::Equal))
        }
        (Value::String(one), Value::String(two)) => directed(one.cmp(two)),
        _ => kind(one).cmp(&kind(two)),
    }
}

fn kind(value: &Value) -> u8 {
    match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rank(details: &Value) -> Rank {
        Rank::of(&json!({ "_rankingScoreDetails": details })).unwrap()
    }

    #[test]
    fn rules_decide_in_their_order_and_counts_before_scores() {
        let worse = rank(&json!({
            "typo": { "order": 1, "typoCount": 1, "score": 0.9 }, "words": { "order": 0, "matchingWords": 2 },
        }));
        let better = rank(&json!({
            "typo": { "order": 1, "typoCount": 0, "score": 0.5 }, "words": { "order": 0, "matchingWords": 2 },
        }));
        assert_eq!(better.compare(&worse), Ordering::Less);
    }

    #[test]
    fn nothing_to_sort_by_is_last_in_both_directions() {
        for direction in ["y:asc", "y:desc"] {
            let with = |value: Value| rank(&json!({ direction: { "order": 0, "value": value } }));
            assert_eq!(with(json!("a")).compare(&with(Value::Null)), Ordering::Less);
            assert_eq!(with(json!("a")).compare(&with(json!(1.0))), Ordering::Greater);
        }
    }
}
