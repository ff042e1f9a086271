use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::Shard;
use crate::json::fixture::any_json;

pub(in crate::search) fn index() -> NodeQuery {
    NodeQuery {
        primary_key: Some(PrimaryKey::parse("id").unwrap()),
        distinct_attribute: None,
        max_total_hits: 1000,
        max_values_per_facet: 100,
        sort_facet_values_by: Map::new(),
    }
}

fn sent(client: Value, shards: Option<&ShardSet>, index: &NodeQuery) -> Value {
    SearchRequest::from_json(client).unwrap().for_node(shards, index).into()
}

#[test]
fn for_node_requests_everything_up_to_the_page_with_details() {
    assert_eq!(
        sent(json!({"q": "a", "offset": 10, "limit": 5}), None, &index()),
        json!({"q": "a", "offset": 0, "limit": 15, "showRankingScoreDetails": true})
    );
    assert_eq!(
        sent(json!({"page": 2, "hitsPerPage": 5, "showRankingScoreDetails": false}), None, &index()),
        json!({"page": 1, "hitsPerPage": 10, "showRankingScoreDetails": true})
    );
}

#[test]
fn for_node_adds_the_clause_of_its_shards() {
    let shards: ShardSet = [Shard(2)].into_iter().collect();
    assert_eq!(
        sent(json!({"filter": "a = 1"}), Some(&shards), &index())["filter"],
        json!(["a = 1", r#"_miroir_shard IN ["⁘"]"#])
    );
    assert_eq!(sent(json!({"filter": "a = 1"}), None, &index())["filter"], json!("a = 1"));
}

#[test]
fn for_node_retrieves_the_attributes_that_the_merge_needs() {
    let mut index = index();
    index.distinct_attribute = Some("sku".to_owned());
    let retrieved = |client: Value| sent(client, None, &index)["attributesToRetrieve"].clone();
    assert_eq!(retrieved(json!({"attributesToRetrieve": ["t"]})), json!(["t", "id", "sku"]));
    assert_eq!(retrieved(json!({"attributesToRetrieve": ["t"], "distinct": "x"})), json!(["t", "id", "x"]));
    assert_eq!(
        retrieved(json!({"attributesToRetrieve": ["t"], "facets": ["f", "g*"]})),
        json!(["t", "id", "sku", "f"])
    );
    assert_eq!(retrieved(json!({"attributesToRetrieve": ["*"]})), json!(["*"]));
    assert_eq!(retrieved(json!({})), json!(null));
}

#[test]
fn for_node_leaves_the_distinct_attribute_of_the_settings_out() {
    let mut index = index();
    index.distinct_attribute = Some("sku".to_owned());
    assert_eq!(sent(json!({}), None, &index).get("distinct"), None);
    assert_eq!(sent(json!({"distinct": "x"}), None, &index)["distinct"], json!("x"));
}

#[test]
fn for_node_requests_all_hits_for_a_numbered_page_with_distinct_only() {
    let mut by_setting = index();
    by_setting.distinct_attribute = Some("sku".to_owned());
    let size = |client: Value, index: &NodeQuery| {
        let sent = sent(client, None, index);
        (sent["page"].clone(), sent["hitsPerPage"].clone(), sent["limit"].clone())
    };
    let all = (json!(1), json!(1000), Value::Null);
    assert_eq!(size(json!({"distinct": "x", "page": 2, "hitsPerPage": 5}), &index()), all);
    assert_eq!(size(json!({"page": 2, "hitsPerPage": 5}), &by_setting), all);
    assert_eq!(size(json!({"hitsPerPage": 0}), &by_setting), all);
    assert_eq!(size(json!({"limit": 5}), &by_setting), (Value::Null, Value::Null, json!(5)));
}

#[test]
fn for_node_requests_scores_for_a_hybrid_search() {
    let scored = |q: &str, ratio: Value| {
        let hybrid = json!({"embedder": "e", "semanticRatio": ratio});
        sent(json!({"q": q, "hybrid": hybrid}), None, &index())["showRankingScore"] == json!(true)
    };
    assert!(scored("a", json!(0.3)) && scored("a", json!(null)));
    assert!(!scored("a", json!(0)) && !scored("a", json!(1.0)) && !scored(" ", json!(0.3)));
}

#[test]
fn refusals_repeat_a_huge_value_in_part_only() {
    let huge = || Value::String("é".repeat(1_000_000));
    for body in [
        huge(),
        json!([huge()]),
        json!({"limit": huge()}),
        json!({"facets": [[huge()]]}),
        json!({"filter": {"a": huge()}}),
        json!({"filter": [[[huge()]]]}),
        json!({"filter": [{"a": huge()}]}),
        json!({"matchingStrategy": huge()}),
        json!({ ("é".repeat(1_000_000)): 1 }),
    ] {
        let message = SearchRequest::from_json(body).unwrap_err().message;
        let length = message.chars().count();
        assert!((200..1_500).contains(&length), "{length} characters");
        assert!(message.contains(&"é".repeat(190)));
    }
}

#[test]
fn refusals_of_types_have_the_words_of_a_server() {
    assert_refused(vec![
        (
            json!([1]),
            ErrorCode::BadRequest,
            "Invalid value type: expected an object, but found an array: `[1]`",
        ),
        (
            json!("x"),
            ErrorCode::BadRequest,
            "Invalid value type: expected an object, but found a string: `\"x\"`",
        ),
        (
            json!({"q": 3}),
            ErrorCode::InvalidSearchQ,
            "Invalid value type at `.q`: expected a string, but found a positive integer: `3`",
        ),
        (
            json!({"limit": -1}),
            ErrorCode::InvalidSearchLimit,
            "Invalid value type at `.limit`: expected a positive integer, but found a negative integer: `-1`",
        ),
        (
            json!({"limit": 1.5}),
            ErrorCode::InvalidSearchLimit,
            "Invalid value type at `.limit`: expected a positive integer, but found a number: `1.5`",
        ),
        (
            json!({"offset": null}),
            ErrorCode::InvalidSearchOffset,
            "Invalid value type at `.offset`: expected a positive integer, but found null",
        ),
        (
            json!({"page": true}),
            ErrorCode::InvalidSearchPage,
            "Invalid value type at `.page`: expected a positive integer, but found a boolean: `true`",
        ),
        (
            json!({"hitsPerPage": {}}),
            ErrorCode::InvalidSearchHitsPerPage,
            "Invalid value type at `.hitsPerPage`: expected a positive integer, but found an object: `{}`",
        ),
        (
            json!({"sort": "n:asc"}),
            ErrorCode::InvalidSearchSort,
            "Invalid value type at `.sort`: expected an array, but found a string: `\"n:asc\"`",
        ),
        (
            json!({"facets": [1]}),
            ErrorCode::InvalidSearchFacets,
            "Invalid value type at `.facets[0]`: expected a string, but found a positive integer: `1`",
        ),
        (
            json!({"distinct": 1}),
            ErrorCode::InvalidSearchDistinct,
            "Invalid value type at `.distinct`: expected a string, but found a positive integer: `1`",
        ),
    ]);
}

#[test]
fn refusals_of_values_have_the_words_of_a_server() {
    assert_refused(vec![
        (
            json!({"filter": 3}),
            ErrorCode::InvalidSearchFilter,
            "Invalid syntax for the filter parameter: `expected String, Array, found: 3`.",
        ),
        (
            json!({"showRankingScore": null}),
            ErrorCode::InvalidSearchShowRankingScore,
            "Invalid value type at `.showRankingScore`: expected a boolean, but found null",
        ),
        (
            json!({"matchingStrategy": "foo"}),
            ErrorCode::InvalidSearchMatchingStrategy,
            "Unknown value `foo` at `.matchingStrategy`: expected one of `last`, `all`, `frequency`",
        ),
        (
            json!({"matchingStrategy": null}),
            ErrorCode::InvalidSearchMatchingStrategy,
            "Invalid value type at `.matchingStrategy`: expected a string, but found null",
        ),
        (
            json!({"rankingScoreThreshold": 2}),
            ErrorCode::InvalidSearchRankingScoreThreshold,
            "Invalid value at `.rankingScoreThreshold`: the value of `rankingScoreThreshold` is invalid, expected a float between `0.0` and `1.0`.",
        ),
        (
            json!({"rankingScoreThreshold": "a"}),
            ErrorCode::InvalidSearchRankingScoreThreshold,
            "Invalid value type at `.rankingScoreThreshold`: expected a number, but found a string: `\"a\"`",
        ),
        (
            json!({"vector": ["a"]}),
            ErrorCode::InvalidSearchVector,
            "Invalid value type at `.vector[0]`: expected a number, but found a string: `\"a\"`",
        ),
        (
            json!({"personalize": 3}),
            ErrorCode::InvalidSearchPersonalize,
            "Invalid value type at `.personalize`: expected an object, but found a positive integer: `3`",
        ),
        (
            json!({"highlightPreTag": 1}),
            ErrorCode::InvalidSearchHighlightPreTag,
            "Invalid value type at `.highlightPreTag`: expected a string, but found a positive integer: `1`",
        ),
    ]);
}

fn assert_refused(cases: Vec<(Value, ErrorCode, &str)>) {
    for (body, code, message) in cases {
        let refusal = SearchRequest::from_json(body).unwrap_err();
        assert_eq!((refusal.code, refusal.message.as_str()), (code, message));
    }
}

#[test]
fn unknown_field_is_refused_with_the_list_of_known_ones() {
    let refusal = SearchRequest::from_json(json!({"q": "a", "x": 1})).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::BadRequest);
    assert_eq!(
        refusal.message,
        "Unknown field `x`: expected one of `q`, `offset`, `limit`, `page`, `hitsPerPage`, `attributesToRetrieve`, `attributesToCrop`, `cropLength`, `cropMarker`, `attributesToHighlight`, `highlightPreTag`, `highlightPostTag`, `showMatchesPosition`, `filter`, `sort`, `distinct`, `facets`, `matchingStrategy`, `attributesToSearchOn`, `rankingScoreThreshold`, `locales`, `hybrid`, `vector`, `retrieveVectors`, `media`, `personalize`, `useNetwork`, `showRankingScore`, `showRankingScoreDetails`, `showPerformanceDetails`"
    );
}

#[test]
fn null_is_accepted_where_a_server_accepts_it() {
    let nulls = json!({
        "q": null, "page": null, "hitsPerPage": null, "attributesToRetrieve": null, "filter": null, "sort": null,
        "distinct": null, "facets": null, "rankingScoreThreshold": null, "hybrid": null, "vector": null,
        "media": null, "personalize": null, "useNetwork": null, "attributesToSearchOn": null, "locales": null,
    });
    let request = SearchRequest::from_json(nulls).unwrap();
    assert_eq!(request.page(), Page::Window { offset: 0, limit: 20 });
    assert_eq!((request.query(), request.wants_facets(), request.semantic_ratio()), ("", false, None));
}

proptest! {
    #[test]
    fn from_json_never_panics(name in "[a-zA-Z]{1,12}|limit|page|filter|facets|hybrid", value in any_json("[a-z]{1,4}", ".{0,6}")) {
        if let Ok(request) = SearchRequest::from_json(json!({ name: value })) {
            request.for_node(Some(&ShardSet::all(2)), &index());
        }
    }
}
