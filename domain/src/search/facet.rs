//! Facet counts and ranges of all nodes, added up and printed as one server prints them.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::NodeQuery;
use super::distinct::normalize;
use super::hit::Hit;
use super::path;
use crate::document::is_reserved;

/// Keys of a response.
pub(super) const DISTRIBUTION: &str = "facetDistribution";
pub(super) const STATS: &str = "facetStats";

/// The number of candidates up to which a server counts document by document and sorts numbers as text. Above
/// it, a server walks its facet tree and sorts numbers by value (`CANDIDATES_THRESHOLD` in milli).
const COUNTED_ONE_BY_ONE: u64 = 3000;

/// The identity of a facet value. Numbers precede texts in every order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum FacetKey {
    /// The bits of a number.
    Number(u64),
    /// A text as Meilisearch compares it. Nodes may show it in the spellings of different documents.
    Text(String),
}

#[derive(Debug)]
struct Counted {
    /// The spelling of the first node that had the value.
    shown: String,
    count: u64,
}

#[derive(Debug, Default)]
struct Facet {
    values: HashMap<FacetKey, Counted>,
    /// The smallest and the greatest number, if any document has a number here.
    range: Option<(f64, f64)>,
}

impl Facet {
    /// Returns the identity of a value from its printed form, in which numbers and texts look alike. In a
    /// facet with a range, a value that is printed like a number is taken for one; a facet without a range
    /// has no numbers.
    fn key(&self, printed: &str) -> FacetKey {
        let number = || printed.parse::<f64>().ok().filter(|number| number.to_string() == printed);
        match self.range.and_then(|_| number()) {
            Some(number) => FacetKey::Number(number.to_bits()),
            None => FacetKey::Text(normalize(printed)),
        }
    }
}

/// The facets of several responses.
#[derive(Debug, Default)]
pub(super) struct Facets {
    facets: BTreeMap<String, Facet>,
}

impl Facets {
    /// Adds the `facetStats` of one response. Those of all responses must come before the first distribution,
    /// because they tell numbers from texts.
    pub(super) fn add_stats(&mut self, stats: &Value) -> Result<(), String> {
        let stats = stats.as_object().ok_or_else(|| format!("a `{STATS}` that is not an object"))?;
        for (name, range) in stats {
            let bound = |key: &str| {
                range
                    .get(key)
                    .and_then(Value::as_f64)
                    .ok_or_else(|| format!("a `{STATS}` whose `{name}` has no `{key}`"))
            };
            let (least, most) = (bound("min")?, bound("max")?);
            let facet = self.facets.entry(name.clone()).or_default();
            facet.range =
                Some(facet.range.map_or((least, most), |(min, max)| (min.min(least), max.max(most))));
        }
        Ok(())
    }

    /// Adds the `facetDistribution` of one response.
    pub(super) fn add_distribution(&mut self, distribution: Value) -> Result<(), String> {
        let Value::Object(distribution) = distribution else {
            return Err(format!("a `{DISTRIBUTION}` that is not an object"));
        };
        for (name, values) in distribution {
            let Value::Object(values) = values else {
                return Err(format!("a `{DISTRIBUTION}` whose `{name}` is not an object"));
            };
            let facet = self.facets.entry(name).or_default();
            for (shown, count) in values {
                let Some(count) = count.as_u64() else {
                    return Err(format!("a `{DISTRIBUTION}` whose `{shown}` is not a count"));
                };
                let key = facet.key(&shown);
                let counted = facet.values.entry(key).or_insert(Counted { shown, count: 0 });
                counted.count = counted.count.saturating_add(count);
            }
        }
        Ok(())
    }

    /// Subtracts the values of a hit that a node counted and the merge dropped.
    pub(super) fn forget(&mut self, hit: &Hit) {
        for (name, facet) in &mut self.facets {
            let mut printed = Vec::new();
            path::visit_items(hit, name, &mut |value| printed.extend(print(value)));
            for text in printed {
                let key = facet.key(&text);
                if let Some(counted) = facet.values.get_mut(&key) {
                    counted.count = counted.count.saturating_sub(1);
                    if counted.count == 0 {
                        facet.values.remove(&key);
                    }
                }
            }
        }
    }

    /// Returns the merged distribution and stats, without Miroir's own attributes: facets by name, values in
    /// the order of the settings, at most `maxValuesPerFacet` of them. `candidates` is the number of
    /// documents that were counted.
    pub(super) fn finish(
        self,
        index: &NodeQuery,
        candidates: u64,
    ) -> (Map<String, Value>, Map<String, Value>) {
        let (mut distribution, mut stats) = (Map::new(), Map::new());
        let most_values = usize::try_from(index.max_values_per_facet).unwrap_or(usize::MAX);
        for (name, facet) in self.facets {
            if is_reserved(&name) {
                continue;
            }
            let order = ValueOrder::of(&name, index, candidates);
            let mut values: Vec<(FacetKey, Counted)> = facet.values.into_iter().collect();
            values.sort_by(|left, right| order.compare(left, right));
            values.truncate(most_values);
            let values: Map<String, Value> =
                values.into_iter().map(|(_, counted)| (counted.shown, counted.count.into())).collect();
            if let Some((min, max)) = facet.range {
                let range = Map::from_iter([("min".to_owned(), min.into()), ("max".to_owned(), max.into())]);
                stats.insert(name.clone(), range.into());
            }
            distribution.insert(name, values.into());
        }
        (distribution, stats)
    }
}

/// The order of the values of one facet.
#[derive(Debug, Clone, Copy)]
enum ValueOrder {
    Alphabetical { numbers_by_value: bool },
    ByCount,
}

impl ValueOrder {
    fn of(facet: &str, index: &NodeQuery, candidates: u64) -> Self {
        let rules = &index.sort_facet_values_by;
        match rules.get(facet).or_else(|| rules.get("*")).and_then(Value::as_str) {
            Some("count") => Self::ByCount,
            _ => Self::Alphabetical { numbers_by_value: candidates > COUNTED_ONE_BY_ONE },
        }
    }

    /// Compares as a server does: numbers precede texts in every order, also by count. Among equal counts its
    /// heap returns the greater value first.
    fn compare(self, left: &(FacetKey, Counted), right: &(FacetKey, Counted)) -> Ordering {
        match (self, &left.0, &right.0) {
            (_, FacetKey::Number(_), FacetKey::Text(_)) => Ordering::Less,
            (_, FacetKey::Text(_), FacetKey::Number(_)) => Ordering::Greater,
            (Self::ByCount, left_key, right_key) => {
                right.1.count.cmp(&left.1.count).then_with(|| by_value(right_key, left_key))
            }
            (Self::Alphabetical { numbers_by_value: false }, FacetKey::Number(_), FacetKey::Number(_)) => {
                left.1.shown.cmp(&right.1.shown)
            }
            (Self::Alphabetical { .. }, left_key, right_key) => by_value(left_key, right_key),
        }
    }
}

fn by_value(left: &FacetKey, right: &FacetKey) -> Ordering {
    match (left, right) {
        (FacetKey::Number(left), FacetKey::Number(right)) => {
            f64::from_bits(*left).total_cmp(&f64::from_bits(*right))
        }
        (FacetKey::Text(left), FacetKey::Text(right)) => left.cmp(right),
        (FacetKey::Number(_), FacetKey::Text(_)) => Ordering::Less,
        (FacetKey::Text(_), FacetKey::Number(_)) => Ordering::Greater,
    }
}

/// Returns a value of a document as a server prints it in a facet.
fn print(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => number.as_f64().map(|number| number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
#[path = "facet_tests.rs"]
mod tests;
