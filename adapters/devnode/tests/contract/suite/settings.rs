//! Settings.

use serde_json::{Value, json};

use super::server::{Server, error};

const PATH: &str = "/indexes/a/settings";

async fn created(server: &Server) {
    server.succeeds("POST", "/indexes", json!({ "uid": "a" })).await;
}

fn defaults() -> Value {
    json!({
        "displayedAttributes": ["*"],
        "searchableAttributes": ["*"],
        "filterableAttributes": [],
        "sortableAttributes": [],
        "rankingRules": ["words", "typo", "proximity", "attributeRank", "sort", "wordPosition", "exactness"],
        "stopWords": [],
        "nonSeparatorTokens": [],
        "separatorTokens": [],
        "dictionary": [],
        "synonyms": {},
        "distinctAttribute": null,
        "proximityPrecision": "byWord",
        "typoTolerance": {
            "enabled": true,
            "minWordSizeForTypos": { "oneTypo": 5, "twoTypos": 9 },
            "disableOnWords": [],
            "disableOnAttributes": [],
            "disableOnNumbers": false,
        },
        "faceting": { "maxValuesPerFacet": 100, "sortFacetValuesBy": { "*": "alpha" } },
        "pagination": { "maxTotalHits": 1000 },
        "embedders": {},
        "searchCutoffMs": null,
        "localizedAttributes": null,
        "facetSearch": true,
        "prefixSearch": "indexingTime",
    })
}

pub async fn defaults_are_complete(server: &Server) {
    created(server).await;
    assert_eq!(server.get(PATH).await, defaults());
}

pub async fn update_changes_only_the_given_settings(server: &Server) {
    created(server).await;
    let change = json!({
        "pagination": { "maxTotalHits": 3 },
        "typoTolerance": { "minWordSizeForTypos": { "oneTypo": 4 } },
        "synonyms": { "a": ["b"] },
        "searchableAttributes": ["z", "a"],
    });
    let task = server.succeeds("PATCH", PATH, change.clone()).await;
    assert_eq!((&task["type"], &task["details"]), (&json!("settingsUpdate"), &change));
    let mut expected = defaults();
    expected["pagination"]["maxTotalHits"] = json!(3);
    expected["typoTolerance"]["minWordSizeForTypos"]["oneTypo"] = json!(4);
    expected["synonyms"] = json!({ "a": ["b"] });
    expected["searchableAttributes"] = json!(["z", "a"]);
    assert_eq!(server.get(PATH).await, expected);
    assert_eq!(server.succeeds("PATCH", PATH, json!({})).await["details"], json!({}));
    assert_eq!(server.get(PATH).await, expected);
}

pub async fn sets_are_sorted_and_patterns_completed(server: &Server) {
    created(server).await;
    let change = json!({
        "sortableAttributes": ["z", "b"],
        "stopWords": ["z", "b"],
        "filterableAttributes": ["z", "a", { "attributePatterns": ["c_*"] }],
        "typoTolerance": { "disableOnWords": ["B", "a"] },
        "faceting": { "sortFacetValuesBy": { "x": "count" } },
    });
    let features = json!({ "facetSearch": false, "filter": { "equality": true, "comparison": false } });
    let filterable = json!(["z", "a", { "attributePatterns": ["c_*"], "features": features }]);
    let task = server.succeeds("PATCH", PATH, change).await;
    assert_eq!(task["details"]["filterableAttributes"], filterable);
    assert_eq!(task["details"]["sortableAttributes"], json!(["b", "z"]));
    let settings = server.get(PATH).await;
    assert_eq!(settings["sortableAttributes"], json!(["b", "z"]));
    assert_eq!(settings["stopWords"], json!(["b", "z"]));
    assert_eq!(settings["filterableAttributes"], filterable);
    assert_eq!(settings["typoTolerance"]["disableOnWords"], json!(["a", "b"]));
    assert_eq!(settings["faceting"]["sortFacetValuesBy"], json!({ "*": "alpha", "x": "count" }));
}

pub async fn null_resets_one_setting(server: &Server) {
    created(server).await;
    server.succeeds("PATCH", PATH, json!({ "stopWords": ["a"], "pagination": { "maxTotalHits": 3 } })).await;
    let task = server.succeeds("PATCH", PATH, json!({ "stopWords": null })).await;
    assert_eq!(task["details"], json!({ "stopWords": null }));
    let mut expected = defaults();
    expected["pagination"]["maxTotalHits"] = json!(3);
    assert_eq!(server.get(PATH).await, expected);
}

pub async fn deletion_resets_all(server: &Server) {
    created(server).await;
    server.succeeds("PATCH", PATH, json!({ "stopWords": ["a"], "rankingRules": ["words", "x:asc"] })).await;
    let task = server.done_empty("DELETE", PATH).await;
    let details = task["details"].as_object().unwrap();
    assert_eq!(details.len(), 22, "{task}");
    for (key, value) in details {
        let expected = if ["displayedAttributes", "searchableAttributes"].contains(&key.as_str()) {
            json!(["*"])
        } else {
            Value::Null
        };
        assert_eq!(*value, expected, "{key}");
    }
    assert_eq!(server.get(PATH).await, defaults());
}

pub async fn embedders_are_changed_by_fields_and_their_keys_are_cut(server: &Server) {
    created(server).await;
    let key = "a-key-of-more-than-thirty-characters";
    let rest = json!({
        "source": "rest", "url": "http://127.0.0.1:9/embed", "dimensions": 3, "apiKey": key,
        "request": { "input": "{{text}}" }, "response": { "embedding": "{{embedding}}" },
    });
    let task = server.succeeds("PATCH", PATH, json!({ "embedders": { "e": rest } })).await;
    let mut shown = rest.clone();
    shown["apiKey"] = json!("a-keyXXXXXX...");
    assert_eq!(task["details"], json!({ "embedders": { "e": shown } }));
    shown["headers"] = json!({});
    shown["documentTemplate"] = server.get(&format!("{PATH}/chat")).await["documentTemplate"].clone();
    shown["documentTemplateMaxBytes"] = json!(400);
    assert_eq!(server.get(PATH).await["embedders"], json!({ "e": shown }));
    let path = format!("{PATH}/embedders");
    server.succeeds("PATCH", &path, json!({ "e": { "apiKey": "short", "headers": { "a": "b" } } })).await;
    shown["apiKey"] = json!("XXX...");
    shown["headers"] = json!({ "a": "b" });
    assert_eq!(server.get(&path).await, json!({ "e": shown }));
    let keyed = json!({ "e": { "source": "userProvided", "dimensions": 2, "apiKey": null } });
    let refused = server.send("PATCH", &path, keyed).await;
    assert_eq!((refused.status, &refused.body["code"]), (400, &json!("invalid_settings_embedders")));
    server.succeeds("PATCH", &path, json!({ "e": null })).await;
    server.succeeds("PATCH", &path, json!({ "e": { "source": "userProvided", "dimensions": 2 } })).await;
    assert_eq!(server.get(&path).await, json!({ "e": { "source": "userProvided", "dimensions": 2 } }));
    server.succeeds("PATCH", &path, json!({ "e": null, "unknown": null })).await;
    assert_eq!(server.get(&path).await, json!({}));
}

/// The path segment and key of each setting, and the method that changes it.
const ROUTES: [(&str, &str, &str); 20] = [
    ("filterable-attributes", "filterableAttributes", "PUT"),
    ("sortable-attributes", "sortableAttributes", "PUT"),
    ("displayed-attributes", "displayedAttributes", "PUT"),
    ("searchable-attributes", "searchableAttributes", "PUT"),
    ("ranking-rules", "rankingRules", "PUT"),
    ("stop-words", "stopWords", "PUT"),
    ("non-separator-tokens", "nonSeparatorTokens", "PUT"),
    ("separator-tokens", "separatorTokens", "PUT"),
    ("dictionary", "dictionary", "PUT"),
    ("synonyms", "synonyms", "PUT"),
    ("distinct-attribute", "distinctAttribute", "PUT"),
    ("proximity-precision", "proximityPrecision", "PUT"),
    ("typo-tolerance", "typoTolerance", "PATCH"),
    ("faceting", "faceting", "PATCH"),
    ("pagination", "pagination", "PATCH"),
    ("embedders", "embedders", "PATCH"),
    ("search-cutoff-ms", "searchCutoffMs", "PUT"),
    ("localized-attributes", "localizedAttributes", "PUT"),
    ("facet-search", "facetSearch", "PUT"),
    ("prefix-search", "prefixSearch", "PUT"),
];

pub async fn every_setting_has_its_route(server: &Server) {
    created(server).await;
    let defaults = defaults();
    for (segment, key, _) in ROUTES {
        assert_eq!(server.get(&format!("{PATH}/{segment}")).await, defaults[key], "{segment}");
    }
    assert!(server.get(&format!("{PATH}/chat")).await.is_object());
}

pub async fn sub_route_accepts_one_method(server: &Server) {
    created(server).await;
    let routes = ROUTES.into_iter().chain([("chat", "chat", "PATCH")]);
    for (segment, key, method) in routes {
        let other = if method == "PUT" { "PATCH" } else { "PUT" };
        let path = format!("{PATH}/{segment}");
        assert_eq!(server.send(other, &path, Value::Null).await.status, 405, "{other} {segment}");
        let accepted = server.send(method, &path, Value::Null).await;
        assert_eq!(accepted.status, 202, "{method} {segment}: {}", accepted.body);
        assert_eq!(accepted.body["type"], "settingsUpdate", "{key}");
    }
}

pub async fn sub_route_update_and_reset(server: &Server) {
    created(server).await;
    let path = format!("{PATH}/filterable-attributes");
    let task = server.succeeds("PUT", &path, json!(["b", "a"])).await;
    assert_eq!(task["details"], json!({ "filterableAttributes": ["b", "a"] }));
    assert_eq!(server.get(&path).await, json!(["b", "a"]));
    let task = server.done_empty("DELETE", &path).await;
    assert_eq!(
        (&task["status"], &task["details"]),
        (&json!("succeeded"), &json!({ "filterableAttributes": null }))
    );
    assert_eq!(server.get(&path).await, json!([]));
    let path = format!("{PATH}/typo-tolerance");
    server.succeeds("PATCH", &path, json!({ "enabled": false })).await;
    let typo = server.get(&path).await;
    assert_eq!((&typo["enabled"], &typo["minWordSizeForTypos"]["oneTypo"]), (&json!(false), &json!(5)));
}

pub async fn update_creates_the_index(server: &Server) {
    server.succeeds("PUT", &format!("{PATH}/sortable-attributes"), json!(["x"])).await;
    assert_eq!(server.get("/indexes/a").await["primaryKey"], Value::Null);
    assert_eq!(server.get(PATH).await["sortableAttributes"], json!(["x"]));
}

pub async fn reset_of_a_missing_index_fails(server: &Server) {
    for path in [PATH.to_owned(), format!("{PATH}/stop-words")] {
        let task = server.done_empty("DELETE", &path).await;
        assert_eq!(task["error"], error("index_not_found", "Index `a` not found."), "{path}");
    }
    assert_eq!(server.request("GET", "/indexes/a").await.status, 404);
}

const RULES: &str =
    "Valid ranking rules are words, typo, sort, proximity, attribute, exactness and custom ranking rules.";

pub async fn bad_values_are_refused(server: &Server) {
    let found = |place: &str, expected: &str| {
        format!("Invalid value type at `{place}`: expected {expected}, but found")
    };
    for (body, code, message) in [
        (json!({ "rankingRules": ["foo"] }), "invalid_settings_ranking_rules", format!("Invalid value at `.rankingRules[0]`: `foo` ranking rule is invalid. {RULES}")),
        (json!({ "rankingRules": 3 }), "invalid_settings_ranking_rules", format!("{} a positive integer: `3`", found(".rankingRules", "an array"))),
        (json!({ "pagination": { "maxTotalHits": "a" } }), "invalid_settings_pagination", format!("{} a string: `\"a\"`", found(".pagination.maxTotalHits", "a positive integer"))),
        (json!({ "pagination": { "x": 1 } }), "invalid_settings_pagination", "Unknown field `x` inside `.pagination`: expected one of `maxTotalHits`".to_owned()),
        (json!({ "synonyms": [] }), "invalid_settings_synonyms", format!("{} an array: `[]`", found(".synonyms", "an object"))),
        (json!({ "distinctAttribute": 3 }), "invalid_settings_distinct_attribute", format!("{} a positive integer: `3`", found(".distinctAttribute", "a string"))),
        (json!({ "stopWords": [3] }), "invalid_settings_stop_words", format!("{} a positive integer: `3`", found(".stopWords[0]", "a string"))),
        (json!({ "facetSearch": 3 }), "invalid_settings_facet_search", format!("{} a positive integer: `3`", found(".facetSearch", "a boolean"))),
        (json!({ "prefixSearch": "x" }), "invalid_settings_prefix_search", "Unknown value `x` at `.prefixSearch`: expected one of `indexingTime`, `disabled`".to_owned()),
        (json!({ "searchCutoffMs": "x" }), "invalid_settings_search_cutoff_ms", format!("{} a string: `\"x\"`", found(".searchCutoffMs", "a positive integer"))),
        (json!({ "typoTolerance": { "minWordSizeForTypos": { "oneTypo": 300 } } }), "invalid_settings_typo_tolerance", "Invalid value at `.typoTolerance.minWordSizeForTypos.oneTypo`: value: `300` is too large to be deserialized, maximum value authorized is `255`".to_owned()),
        (json!({ "faceting": { "sortFacetValuesBy": { "a": "x" } } }), "invalid_settings_faceting", "Unknown value `x` at `.faceting.sortFacetValuesBy.a`: expected one of `alpha`, `count`".to_owned()),
        (json!([]), "bad_request", "Invalid value type: expected an object, but found an array: `[]`".to_owned()),
    ] {
        server.send("PATCH", PATH, body).await.refuses(400, code, &message);
    }
    let response = server.send("PATCH", PATH, json!({ "foo": 1 })).await;
    assert_eq!((response.status, &response.body["code"]), (400, &json!("bad_request")));
    assert!(response.body["message"].as_str().unwrap().starts_with("Unknown field `foo`: expected one of"));
}

pub async fn bad_values_on_sub_routes_are_refused(server: &Server) {
    let response = server.send("PUT", &format!("{PATH}/ranking-rules"), json!(["foo"])).await;
    let message = format!("Invalid value at `[0]`: `foo` ranking rule is invalid. {RULES}");
    response.refuses(400, "invalid_settings_ranking_rules", &message);
    let response = server.send("PUT", &format!("{PATH}/filterable-attributes"), json!(3)).await;
    let message = "Invalid value type: expected an array, but found a positive integer: `3`";
    response.refuses(400, "invalid_settings_filterable_attributes", message);
}
