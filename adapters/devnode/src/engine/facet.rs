//! Facets: the number of documents for each value of an attribute, and the range of its numbers.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::filter::fold_facet;
use crate::documents::Stored;
use crate::error::ApiError;
use crate::settings::{Settings, pattern_covers};

/// The content of `facetDistribution` and `facetStats`.
pub(crate) struct Facets {
    pub(crate) distribution: Map<String, Value>,
    pub(crate) stats: Map<String, Value>,
}

/// Counts facet values over documents. `fields` are all attribute paths of the index.
pub(crate) fn count(
    facets: &[String],
    settings: &Settings,
    fields: &[String],
    documents: &[&Stored],
) -> Result<Facets, ApiError> {
    check(facets, settings)?;
    let mut names: Vec<&str> = Vec::new();
    for facet in facets {
        for field in fields.iter().filter(|field| settings.is_filterable(field)) {
            if pattern_covers(facet, field) && !names.contains(&field.as_str()) {
                names.push(field);
            }
        }
    }
    let mut counted = Facets { distribution: Map::new(), stats: Map::new() };
    for name in names {
        let (distribution, stats) = count_one(name, settings, documents);
        counted.distribution.insert(name.to_owned(), distribution);
        if let Some(stats) = stats {
            counted.stats.insert(name.to_owned(), stats);
        }
    }
    Ok(counted)
}

fn check(facets: &[String], settings: &Settings) -> Result<(), ApiError> {
    let Some(bad) = facets.iter().find(|facet| *facet != "*" && !settings.is_filterable(facet)) else {
        return Ok(());
    };
    let subject = format!("Pattern `{bad}` is not filterable.");
    let advice = settings.filterable_advice();
    let message = format!("Invalid facet distribution: {subject} {advice}");
    Err(ApiError::invalid("invalid_search_facets", message))
}

/// A facet value in the form in which it is grouped and ordered: numbers before texts.
#[derive(Debug, Clone, PartialEq)]
enum Key {
    Number(f64),
    Text(String),
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (self, other) {
            (Self::Number(left), Self::Number(right)) => left.total_cmp(right),
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            (Self::Number(_), Self::Text(_)) => std::cmp::Ordering::Less,
            (Self::Text(_), Self::Number(_)) => std::cmp::Ordering::Greater,
        }
    }
}

fn count_one(name: &str, settings: &Settings, documents: &[&Stored]) -> (Value, Option<Value>) {
    // The text that is shown is that of the first document with the value.
    let mut counts: BTreeMap<Key, (String, u64)> = BTreeMap::new();
    for stored in documents {
        let mut keys: Vec<(Key, String)> = Vec::new();
        for value in stored.document.scalars_at(name) {
            let (key, shown) = match value {
                Value::Number(number) => {
                    let number = number.as_f64().unwrap_or(0.0);
                    (Key::Number(number), number.to_string())
                }
                Value::String(text) => (Key::Text(fold_facet(text)), text.clone()),
                Value::Bool(boolean) => (Key::Text(boolean.to_string()), boolean.to_string()),
                _ => continue,
            };
            // A document counts once for each value, even if it repeats the value. Empty texts are not
            // values.
            if key != Key::Text(String::new()) && !keys.iter().any(|(known, _)| *known == key) {
                keys.push((key, shown));
            }
        }
        for (key, shown) in keys {
            counts.entry(key).or_insert((shown, 0)).1 += 1;
        }
    }
    let numbers: Vec<f64> = counts
        .keys()
        .filter_map(|key| if let Key::Number(number) = key { Some(*number) } else { None })
        .collect();
    let stats = numbers.first().zip(numbers.last()).map(|(min, max)| json!({ "min": min, "max": max }));
    let mut values: Vec<(String, u64)> = counts.into_values().collect();
    let orders = &settings.get("faceting")["sortFacetValuesBy"];
    let order = orders.get(name).unwrap_or(&orders["*"]);
    if order == "count" {
        values.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    }
    values.truncate(settings.number("faceting", "maxValuesPerFacet"));
    (Value::Object(values.into_iter().map(|(value, count)| (value, json!(count))).collect()), stats)
}
