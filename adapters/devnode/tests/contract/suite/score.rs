//! Scores: `_rankingScore`, `_rankingScoreDetails`, and the settings that change them.

use serde_json::{Value, json};

use super::server::Server;

/// Returns the ids of the hits with their details.
async fn details(server: &Server, mut body: Value) -> Vec<(u64, Value)> {
    body["attributesToRetrieve"] = json!(["id"]);
    body["showRankingScoreDetails"] = json!(true);
    let body = server.search(body).await;
    let hits = body["hits"].as_array().unwrap().iter();
    hits.map(|hit| (hit["id"].as_u64().unwrap(), rounded(&hit["_rankingScoreDetails"]))).collect()
}

/// Rounds fractions to nine digits, because reading them from text may change the last.
fn rounded(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => json!((number.as_f64().unwrap() * 1e9).round() / 1e9),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), rounded(value))).collect(),
        other => other.clone(),
    }
}

fn scored(order: u32, score: f64) -> Value {
    json!({ "order": order, "score": score })
}

fn words(matching: u32, max: u32, score: f64) -> Value {
    json!({ "order": 0, "matchingWords": matching, "maxMatchingWords": max, "score": score })
}

fn typo(count: u32, max: u32, score: f64) -> Value {
    json!({ "order": 1, "typoCount": count, "maxTypoCount": max, "score": score })
}

pub async fn details_list_each_rule_with_its_order(server: &Server) {
    server.films().await;
    let found = details(server, json!({ "q": "wonder", "sort": ["year:desc"], "limit": 2 })).await;
    let expected = |match_type: &str, score: f64| {
        json!({
            "words": words(1, 1, 1.0),
            "typo": typo(0, 1, 1.0),
            "proximity": scored(2, 1.0),
            "attributeRank": scored(3, 1.0),
            "year:desc": { "order": 4, "value": 2017.0 },
            "wordPosition": scored(5, 1.0),
            "exactness": { "order": 6, "matchType": match_type, "score": score },
        })
    };
    let first = expected("exactMatch", 1.0);
    let second = rounded(&expected("matchesStart", 2.0 / 3.0));
    assert_eq!(found, [(7, first), (2, second)]);
}

pub async fn details_of_dropped_words_are_partial(server: &Server) {
    server.films().await;
    let found = details(server, json!({ "q": "mad max road" })).await;
    let exactness = json!({
        "order": 5, "matchType": "noExactMatch", "matchingWords": 3, "maxMatchingWords": 3, "score": 1.0 / 3.0,
    });
    let first = json!({
        "words": words(3, 3, 1.0),
        "typo": typo(0, 3, 1.0),
        "proximity": scored(2, 6.0 / 7.0),
        "attributeRank": scored(3, 1.0),
        "wordPosition": scored(4, 30.0 / 31.0),
        "exactness": exactness,
    });
    let second = json!({
        "words": words(1, 3, 1.0 / 3.0),
        "typo": typo(0, 1, 1.0),
        "proximity": scored(2, 1.0),
        "attributeRank": scored(3, 1.0),
        "wordPosition": scored(4, 1.0),
        "exactness": { "order": 5, "matchType": "matchesStart", "score": 2.0 / 3.0 },
    });
    assert_eq!(found, [(4, rounded(&first)), (10, rounded(&second))]);
}

pub async fn details_of_an_empty_query_are_sorts(server: &Server) {
    server.films().await;
    let found =
        details(server, json!({ "sort": ["year:asc", "title:desc"], "filter": "studio NOT EXISTS" })).await;
    let sorts = |year: Value, title: &str| json!({ "year:asc": { "order": 0, "value": year }, "title:desc": { "order": 1, "value": title } });
    assert_eq!(
        found,
        [(6, sorts(json!(1993.0), "philadelphia")), (11, sorts(json!(null), "women of wonders"))]
    );
    assert_eq!(details(server, json!({ "limit": 1 })).await, [(1, json!({}))]);
}

pub async fn details_of_the_unified_attribute_rule(server: &Server) {
    server.films().await;
    let change = json!({
        "searchableAttributes": ["title", "genres", "overview"],
        "rankingRules": ["words", "typo", "proximity", "attribute", "sort", "exactness"],
    });
    server.succeeds("PATCH", "/indexes/films/settings", change).await;
    let found = details(server, json!({ "q": "mad road", "limit": 2 })).await;
    let attribute = |(_, details): &(u64, Value)| details["attribute"].clone();
    let names: Vec<&String> = found[0].1.as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 5, "{names:?}");
    let expected = json!({
        "order": 3, "attributeRankingOrderScore": 1.0, "queryWordDistanceScore": 19.0 / 21.0, "score": 103.0 / 105.0,
    });
    assert_eq!((found[0].0, attribute(&found[0])), (4, rounded(&expected)));
    let rank = attribute(&found[1])["attributeRankingOrderScore"].as_f64().unwrap();
    assert!((rank - 0.6).abs() < 1e-9, "{rank}");
}

pub async fn details_hide_undisplayed_attributes(server: &Server) {
    server.films().await;
    server.succeeds("PUT", "/indexes/films/settings/displayed-attributes", json!(["id"])).await;
    let found = details(server, json!({ "sort": ["year:desc"], "limit": 1 })).await;
    assert_eq!(found, [(2, json!({ "<hidden-rule-0>": { "order": 0, "value": "<hidden>" } }))]);
}

pub async fn custom_rules_take_their_place(server: &Server) {
    server.films().await;
    let rules = json!(["year:desc", "words", "rating:asc", "typo"]);
    server.succeeds("PUT", "/indexes/films/settings/ranking-rules", rules).await;
    let found = details(server, json!({ "q": "wonder" })).await;
    assert_eq!(found.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [2, 7, 5, 11]);
    let expected = json!({
        "year:desc": { "order": 0, "value": 2017.0 },
        "words": { "order": 1, "matchingWords": 1, "maxMatchingWords": 1, "score": 1.0 },
        "rating:asc": { "order": 2, "value": 7.4 },
        "typo": { "order": 3, "typoCount": 0, "maxTypoCount": 1, "score": 1.0 },
    });
    assert_eq!(found[0].1, expected);
    assert_eq!(server.found(json!({ "limit": 3 })).await, [2, 7, 5]);
}

pub async fn score_excludes_sorts(server: &Server) {
    server.films().await;
    let scores = async |body: Value| -> Vec<f64> {
        let body = server.search(body).await;
        body["hits"].as_array().unwrap().iter().map(|hit| hit["_rankingScore"].as_f64().unwrap()).collect()
    };
    let sorted = scores(json!({ "q": "road", "sort": ["year:desc"], "showRankingScore": true })).await;
    let expected = [0.878_787_878_787_878_8, 0.924_242_424_242_424_2];
    for (score, expected) in sorted.iter().zip(expected) {
        assert!((score - expected).abs() < 1e-9, "{sorted:?}");
    }
    assert_eq!(
        scores(json!({ "sort": ["year:desc"], "limit": 2, "showRankingScore": true })).await,
        [1.0, 1.0]
    );
}

pub async fn threshold_drops_hits_below_it(server: &Server) {
    server.films().await;
    let body = server.search(json!({ "q": "wonder", "rankingScoreThreshold": 0.9 })).await;
    let ids: Vec<&Value> = body["hits"].as_array().unwrap().iter().map(|hit| &hit["id"]).collect();
    assert_eq!((ids, &body["estimatedTotalHits"]), (vec![&json!(7), &json!(2)], &json!(2)));
}

pub async fn proximity_counts_distance_and_direction(server: &Server) {
    server.films().await;
    let proximity = async |query: &str, id: u64| -> f64 {
        let found = details(server, json!({ "q": query })).await;
        let (_, details) = found.into_iter().find(|(found, _)| *found == id).unwrap();
        details["proximity"]["score"].as_f64().unwrap()
    };
    for (query, id, expected) in [
        ("mad max", 4, 1.0),
        ("max mad", 4, 0.75),
        ("mad fury", 4, 0.75),
        ("mad road", 4, 0.5),
        ("road mad", 4, 0.25),
        ("life sea", 3, 0.25),
    ] {
        let score = proximity(query, id).await;
        assert!((score - expected).abs() < 1e-9, "{query}: {score}");
    }
}

pub async fn synonyms_and_stop_words_apply(server: &Server) {
    server.films().await;
    let change = json!({ "synonyms": { "movie": ["road", "story"] }, "stopWords": ["the", "a", "of"] });
    server.succeeds("PATCH", "/indexes/films/settings", change).await;
    assert_eq!(server.found(json!({ "q": "movie" })).await, [7, 8, 4, 10]);
    assert_eq!(server.found(json!({ "q": "the road" })).await, [8, 4, 10]);
    let found = details(server, json!({ "q": "story of a boy", "limit": 1 })).await;
    assert_eq!((found[0].0, &found[0].1["words"]), (7, &words(2, 2, 1.0)));
}

pub async fn typo_settings_apply(server: &Server) {
    server.films().await;
    let path = "/indexes/films/settings/typo-tolerance";
    assert_eq!(server.found(json!({ "q": "raod" })).await, Vec::<u64>::new());
    server.succeeds("PATCH", path, json!({ "minWordSizeForTypos": { "oneTypo": 4 } })).await;
    assert_eq!(server.found(json!({ "q": "raod" })).await, [8, 4, 10]);
    server.succeeds("PATCH", path, json!({ "disableOnAttributes": ["title"] })).await;
    assert_eq!(server.found(json!({ "q": "raod" })).await, [8, 10]);
    server.succeeds("PATCH", path, json!({ "disableOnWords": ["raod"] })).await;
    assert_eq!(server.found(json!({ "q": "raod" })).await, Vec::<u64>::new());
    server.succeeds("PATCH", path, json!({ "enabled": false })).await;
    assert_eq!(server.found(json!({ "q": "wondr" })).await, Vec::<u64>::new());
}
