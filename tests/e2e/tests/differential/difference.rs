//! Differences between two responses to one search.

use serde_json::{Map, Value};

/// A difference.
#[derive(Debug, Clone, PartialEq)]
pub enum Difference {
    /// Ids of hits, or their order.
    Hits,
    /// Content of a hit that both found.
    Content(String),
    /// One of the totals.
    Total(&'static str),
    /// Spelling of values that the engine treats as one.
    Spelling(String),
    /// Order of the values of a facet, whose values are equal.
    FacetOrder(String),
    /// Values of a facet, or their counts.
    FacetCounts(String),
    /// Any other difference.
    Other(String),
}

const TOTALS: [&str; 3] = ["estimatedTotalHits", "totalHits", "totalPages"];
/// Fields that are compared separately, or that differ by nature: the duration, and the id of the request.
const APART: [&str; 4] = ["hits", "facetDistribution", "processingTimeMs", "requestUid"];

/// Returns every difference of `many` from `one`.
pub fn differences(one: &Value, many: &Value) -> Vec<Difference> {
    let mut found = hits(one, many);
    let keys =
        |response: &Value| response.as_object().into_iter().flat_map(Map::keys).cloned().collect::<Vec<_>>();
    if keys(one) != keys(many) {
        found.push(Difference::Other(format!("keys {:?} and {:?}", keys(one), keys(many))));
    }
    for key in keys(one) {
        if one[&key] == many[&key] || APART.contains(&key.as_str()) {
            continue;
        }
        found.push(match TOTALS.iter().find(|total| **total == key) {
            Some(total) => Difference::Total(total),
            None => Difference::Other(format!("{key}: {} and {}", one[&key], many[&key])),
        });
    }
    found.extend(facets(&one["facetDistribution"], &many["facetDistribution"]));
    if many.to_string().contains("_miroir") {
        found.push(Difference::Other("a reserved field is returned".to_owned()));
    }
    found
}

/// Returns the ids of the hits of a response, as far as they are returned.
pub fn ids(response: &Value) -> Vec<Value> {
    response["hits"].as_array().into_iter().flatten().map(|hit| hit["id"].clone()).collect()
}

fn hits(one: &Value, many: &Value) -> Vec<Difference> {
    let empty = Vec::new();
    let list = |response: &Value| response["hits"].as_array().unwrap_or(&empty).clone();
    let (one_hits, many_hits) = (list(one), list(many));
    let mut found = Vec::new();
    if ids(one) != ids(many) {
        found.push(Difference::Hits);
    }
    for (place, hit) in one_hits.iter().enumerate() {
        // Hits without ids are identified by their positions.
        let twin = match hit.get("id") {
            Some(id) => many_hits.iter().find(|other| other.get("id") == Some(id)),
            None => many_hits.get(place),
        };
        if let Some(twin) = twin.filter(|twin| without_scores(twin) != without_scores(hit)) {
            found.push(Difference::Content(format!("{hit} and {twin}")));
        }
    }
    found
}

/// Returns the hit without the values of scores, which a node computes from its own documents. Their presence
/// is compared.
fn without_scores(hit: &Value) -> Value {
    let mut hit = hit.clone();
    for key in ["_rankingScore", "_rankingScoreDetails"] {
        if let Some(score) = hit.get_mut(key) {
            *score = Value::Null;
        }
    }
    hit
}

fn facets(one: &Value, many: &Value) -> Vec<Difference> {
    let names =
        |facets: &Value| facets.as_object().into_iter().flat_map(Map::keys).cloned().collect::<Vec<String>>();
    if names(one) != names(many) {
        return vec![Difference::Other(format!("facets {:?} and {:?}", names(one), names(many)))];
    }
    names(one).into_iter().filter_map(|name| facet(&name, &one[&name], &many[&name])).collect()
}

fn facet(name: &str, one: &Value, many: &Value) -> Option<Difference> {
    let (plain_one, plain_many) = (values(one, false), values(many, false));
    if plain_one == plain_many {
        return None;
    }
    let (one, many) = (values(one, true), values(many, true));
    let sorted = |mut values: Vec<(String, Value)>| {
        values.sort_by(|left, right| left.0.cmp(&right.0));
        values
    };
    Some(if one == many {
        Difference::Spelling(name.to_owned())
    } else if sorted(one) == sorted(many) {
        Difference::FacetOrder(name.to_owned())
    } else {
        Difference::FacetCounts(name.to_owned())
    })
}

fn values(facet: &Value, folded: bool) -> Vec<(String, Value)> {
    let fold = |name: &String| if folded { name.to_lowercase() } else { name.clone() };
    facet.as_object().into_iter().flatten().map(|(name, count)| (fold(name), count.clone())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_name_what_differs_and_nothing_else() {
        let one = json!({ "hits": [{ "id": 1 }, { "id": 2 }], "processingTimeMs": 1, "totalHits": 2,
            "facetDistribution": { "a": { "X": 1, "y": 2 } } });
        assert_eq!(differences(&one, &one), []);
        let mut other = one.clone();
        other["processingTimeMs"] = json!(7);
        assert_eq!(differences(&one, &other), []);
        other["facetDistribution"] = json!({ "a": { "x": 1, "y": 2 } });
        assert_eq!(differences(&one, &other), [Difference::Spelling("a".to_owned())]);
        other["facetDistribution"] = json!({ "a": { "y": 2, "x": 1 } });
        assert_eq!(differences(&one, &other), [Difference::FacetOrder("a".to_owned())]);
        other["facetDistribution"] = json!({ "a": { "y": 2, "x": 2 } });
        other["totalHits"] = json!(3);
        other["hits"] = json!([{ "id": 2 }, { "id": 1 }]);
        assert_eq!(
            differences(&one, &other),
            [Difference::Hits, Difference::Total("totalHits"), Difference::FacetCounts("a".to_owned())]
        );
    }

    #[test]
    fn differences_find_reserved_fields_and_changed_content() {
        let one = json!({ "hits": [{ "id": 1, "t": "x", "_rankingScore": 0.5 }] });
        let scored = json!({ "hits": [{ "id": 1, "t": "x", "_rankingScore": 0.6 }] });
        assert_eq!(differences(&one, &scored), []);
        for hit in [json!({ "id": 1, "t": "x" }), json!({ "id": 1, "t": "x", "_miroir_shard": 3 })] {
            assert!(!differences(&one, &json!({ "hits": [hit] })).is_empty());
        }
    }
}
