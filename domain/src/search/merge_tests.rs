use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::search::request::tests::index;

fn response(node: &str, body: Value) -> NodeResponse {
    NodeResponse { node: node.parse().unwrap(), body: serde_json::from_value(body).unwrap() }
}

/// The response of a node with `total` hits.
fn found(node: &str, total: u64, hits: &Value) -> NodeResponse {
    response(node, json!({"hits": hits, "query": "", "processingTimeMs": 1, "estimatedTotalHits": total}))
}

fn try_merged(
    request: Value,
    index: &NodeQuery,
    responses: Vec<NodeResponse>,
) -> Result<Map<String, Value>, InvalidResponse> {
    let request = SearchRequest::from_json(request).unwrap();
    merge(MergeContext { request: &request, index }, responses)
}

fn merged(request: Value, index: &NodeQuery, responses: Vec<NodeResponse>) -> Value {
    try_merged(request, index, responses).unwrap().into()
}

fn ids(response: &Value) -> Vec<&Value> {
    response["hits"].as_array().unwrap().iter().map(|hit| &hit["id"]).collect()
}

/// A hit whose only rule is a sort by `value`, ascending.
fn sorted_hit(id: impl Into<Value>, value: impl Into<Value>) -> Value {
    json!({"id": id.into(), DETAILS: {"v:asc": {"order": 0, "value": value.into()}}})
}

#[test]
fn response_has_the_keys_and_order_of_a_server() {
    let hit = |id: u32, value: u32| {
        json!({
            "title": "t", "id": id, "_miroir_shard": 3, "year": 1999, "_formatted": {"title": "t", "_miroir_shard": "3"},
            "_rankingScore": 1.0, DETAILS: {"v:asc": {"order": 0, "value": value}},
        })
    };
    let body = |took: u32, uid: &str, hits: Value| {
        json!({
            "hits": hits, "query": "x", "processingTimeMs": took, "limit": 22, "offset": 0, "estimatedTotalHits": 7,
            "facetDistribution": {"g": {"a": 1}, "_miroir_shard": {"3": 1}}, "facetStats": {}, "requestUid": uid,
            "novelty": uid,
        })
    };
    let responses = vec![
        response("a", body(3, "first", json!([hit(1, 5)]))),
        response("b", body(9, "second", json!([hit(2, 4)]))),
    ];
    let request = json!({"q": "x", "offset": 0, "limit": 22, "facets": ["g"], "showRankingScore": true});
    assert_eq!(
        merged(request, &index(), responses).to_string(),
        concat!(
            r#"{"hits":["#,
            r#"{"title":"t","id":2,"year":1999,"_formatted":{"title":"t"},"_rankingScore":1.0},"#,
            r#"{"title":"t","id":1,"year":1999,"_formatted":{"title":"t"},"_rankingScore":1.0}],"#,
            r#""query":"x","processingTimeMs":9,"limit":22,"offset":0,"estimatedTotalHits":14,"#,
            r#""facetDistribution":{"g":{"a":2}},"facetStats":{},"requestUid":"first","novelty":"first"}"#
        )
    );
}

#[test]
fn details_stay_if_the_client_requested_them() {
    let responses = || vec![found("a", 1, &json!([sorted_hit(1, 1)]))];
    let shown = merged(json!({"showRankingScoreDetails": true}), &index(), responses());
    assert_eq!(shown["hits"], json!([sorted_hit(1, 1)]));
    assert_eq!(merged(json!({}), &index(), responses())["hits"], json!([{"id": 1}]));
}

#[test]
fn scores_of_a_hybrid_search_stay_only_if_requested() {
    let hit = json!({"id": 1, "_rankingScore": 0.9, DETAILS: {VECTOR: {"order": 0, "similarity": 0.9}}});
    let mut node = found("a", 1, &json!([hit]));
    node.body.rest.insert("semanticHitCount".to_owned(), json!(12));
    let hybrid = json!({"q": "a", "hybrid": {"embedder": "e"}});
    let response = merged(hybrid, &index(), vec![node]);
    assert_eq!(response["hits"], json!([{"id": 1}]));
    assert_eq!(response["semanticHitCount"], json!(1));
}

#[test]
fn ties_are_broken_by_primary_key_and_then_by_node() {
    let responses = vec![
        found("a", 3, &json!([sorted_hit(10, 0), sorted_hit("b", 0), sorted_hit(null_id(), 0)])),
        found("b", 3, &json!([sorted_hit(9, 0), sorted_hit(11, 0), sorted_hit("a", 0)])),
    ];
    let response = merged(json!({}), &index(), responses);
    assert_eq!(ids(&response), [&json!(9), &json!(10), &json!(11), &json!("a"), &json!("b"), &json!(null)]);

    let unkeyed = NodeQuery { primary_key: None, ..index() };
    let responses = vec![
        found("a", 2, &json!([sorted_hit(2, 0), sorted_hit(4, 0)])),
        found("b", 2, &json!([sorted_hit(1, 0), sorted_hit(3, 0)])),
    ];
    let response = merged(json!({}), &unkeyed, responses);
    assert_eq!(ids(&response), [&json!(2), &json!(4), &json!(1), &json!(3)]);
}

fn null_id() -> Value {
    Value::Null
}

#[test]
fn order_within_a_node_is_kept() {
    let responses = vec![
        found("a", 2, &json!([sorted_hit(1, 5), sorted_hit(2, 1)])),
        found("b", 1, &json!([sorted_hit(3, 4)])),
    ];
    let response = merged(json!({}), &index(), responses);
    assert_eq!(ids(&response), [&json!(3), &json!(1), &json!(2)]);
}

#[test]
fn distinct_keeps_the_first_of_all_nodes_and_counts_it_once() {
    let hit = |id: u32, value: u32, sku: &str| json!({"id": id, "sku": sku, "g": "War", DETAILS: {"v:asc": {"order": 0, "value": value}}});
    let mut responses = vec![
        found("a", 2, &json!([hit(1, 1, "x"), hit(2, 4, "y")])),
        found("b", 2, &json!([hit(3, 2, "X"), hit(4, 3, "z")])),
    ];
    for node in &mut responses {
        node.body.rest.insert("facetDistribution".to_owned(), json!({"g": {"War": 2}}));
        node.body.rest.insert("facetStats".to_owned(), json!({}));
    }
    let request = json!({"attributesToRetrieve": ["id"], "facets": ["g"], "limit": 2});
    let by_setting = NodeQuery { distinct_attribute: Some("sku".to_owned()), ..index() };
    let response = merged(request, &by_setting, responses);
    assert_eq!(response["hits"], json!([{"id": 1}, {"id": 4}]));
    assert_eq!(response["estimatedTotalHits"], json!(3));
    assert_eq!(response["facetDistribution"], json!({"g": {"War": 3}}));
}

#[test]
fn numbered_page_with_distinct_counts_every_value_once_also_after_the_page() {
    // Both nodes hold the values x, y and z, and were requested to return all they have.
    let node = |name: &str, first: u32| {
        let hit = |place: u32, sku: &str| json!({"id": first + place, "sku": sku, DETAILS: {"v:asc": {"order": 0, "value": place}}});
        response(
            name,
            json!({"hits": [hit(0, "x"), hit(1, "y"), hit(2, "z")], "query": "", "processingTimeMs": 1, "totalHits": 3}),
        )
    };
    let request = json!({"distinct": "sku", "page": 1, "hitsPerPage": 2});
    let response = merged(request, &index(), vec![node("a", 10), node("b", 20)]);
    assert_eq!(ids(&response), [&json!(10), &json!(11)]);
    assert_eq!((&response["totalHits"], &response["totalPages"]), (&json!(3), &json!(2)));
}

#[test]
fn hits_beyond_the_cap_are_not_shown() {
    let index = NodeQuery { max_total_hits: 3, ..index() };
    let node = || found("a", 9, &(0..5).map(|id| sorted_hit(id, id)).collect());
    let response = merged(json!({"offset": 2, "limit": 9}), &index, vec![node()]);
    assert_eq!((ids(&response), &response["estimatedTotalHits"]), (vec![&json!(2)], &json!(9)));
    let hostile = merged(json!({"offset": u64::MAX, "limit": u64::MAX}), &index, vec![node()]);
    assert_eq!(ids(&hostile), Vec::<&Value>::new());
}

#[test]
fn numbered_page_has_the_number_of_pages() {
    let node = |name: &str, first: u32| {
        let hits: Value = (first..first + 3).map(|id| sorted_hit(id, id)).collect();
        response(
            name,
            json!({"hits": hits, "processingTimeMs": 0, "totalHits": 3, "hitsPerPage": 4, "page": 1}),
        )
    };
    let response = merged(json!({"page": 2, "hitsPerPage": 2}), &index(), vec![node("a", 0), node("b", 10)]);
    assert_eq!(
        response.to_string(),
        r#"{"hits":[{"id":2},{"id":10}],"query":"","processingTimeMs":0,"hitsPerPage":2,"page":2,"totalPages":3,"totalHits":6}"#
    );
}

#[test]
fn merge_of_no_responses_is_empty() {
    assert_eq!(
        merged(json!({"q": "a", "facets": ["g"]}), &index(), Vec::new()).to_string(),
        r#"{"hits":[],"query":"a","processingTimeMs":0,"limit":20,"offset":0,"estimatedTotalHits":0,"facetDistribution":{},"facetStats":{}}"#
    );
    assert_eq!(
        merged(json!({"page": 2, "facets": []}), &index(), Vec::new()).to_string(),
        r#"{"hits":[],"query":"","processingTimeMs":0,"hitsPerPage":20,"page":2,"totalPages":0,"totalHits":0}"#
    );
}

#[test]
fn invalid_response_names_its_node() {
    let hits = |hits: Value| json!({"hits": hits, "estimatedTotalHits": 1});
    for (body, part) in [
        (json!({}), "hits"),
        (json!({"hits": []}), "estimatedTotalHits"),
        (json!({"hits": [], "estimatedTotalHits": "many"}), "estimatedTotalHits"),
        (json!({"hits": [], "totalHits": 1}), "estimatedTotalHits"),
        (json!({"message": "boom", "code": "internal"}), "hits"),
        (hits(json!([1])), "not an object"),
        (hits(json!([{"id": 1}])), DETAILS),
        (hits(json!([sorted_hit(1, 1), {"id": 2, DETAILS: {"words": {}}}])), "words"),
        (json!({"hits": [], "estimatedTotalHits": 1, "facetDistribution": 3}), "facetDistribution"),
        (json!({"hits": [], "estimatedTotalHits": 1, "facetStats": 3}), "facetStats"),
    ] {
        let good = found("good", 1, &json!([sorted_hit(7, 7)]));
        let refused = try_merged(json!({}), &index(), vec![good, response("bad", body.clone())]).unwrap_err();
        assert_eq!(refused.node.as_str(), "bad", "{body}");
        assert!(refused.to_string().contains(part), "{refused} should name {part}");
    }
}

/// A document of the model: its place under a rule, a sort and a facet, and its node.
#[derive(Debug, Clone)]
struct Document {
    id: u32,
    words: u32,
    year: Option<i32>,
    genre: u8,
    node: usize,
}

impl Document {
    fn hit(&self) -> Value {
        json!({
            "id": self.id,
            "genre": format!("g{}", self.genre),
            DETAILS: {
                "words": {"order": 0, "matchingWords": self.words, "maxMatchingWords": 4, "score": f64::from(self.words) / 4.0},
                "year:asc": {"order": 1, "value": self.year},
            },
        })
    }

    /// The order of one server, without the code under test: words down, years up, no year last.
    fn place(&self) -> impl Ord + use<> {
        (std::cmp::Reverse(self.words), self.year.is_none(), self.year, self.id)
    }
}

const NODES: usize = 3;

fn documents() -> impl Strategy<Value = Vec<Document>> {
    prop::collection::vec((0u32..4, prop::option::of(-3i32..3), 0u8..4, 0..NODES), 0..60).prop_map(|rows| {
        rows.into_iter()
            .zip(0..)
            .map(|((words, year, genre, node), id)| Document { id, words, year, genre, node })
            .collect()
    })
}

/// The responses of the nodes to `request`, each with its own documents in the order of a server.
fn node_responses(documents: &[Document], request: &SearchRequest, index: &NodeQuery) -> Vec<NodeResponse> {
    let sent = request.for_node(None, index);
    let limit = sent.get("limit").or(sent.get("hitsPerPage")).and_then(Value::as_u64).unwrap();
    (0..NODES)
        .map(|node| {
            let mut own: Vec<&Document> = documents.iter().filter(|document| document.node == node).collect();
            own.sort_by_key(|document| document.place());
            let mut genres: Map<String, Value> = Map::new();
            for document in &own {
                let count = genres.entry(format!("g{}", document.genre)).or_insert(json!(0));
                *count = json!(count.as_u64().unwrap() + 1);
            }
            let total = own.len();
            let hits: Value =
                own.into_iter().take(usize::try_from(limit).unwrap()).map(Document::hit).collect();
            response(
                &format!("n{node}"),
                json!({
                    "hits": hits, "processingTimeMs": node, "estimatedTotalHits": total, "totalHits": total,
                    "facetDistribution": {"genre": genres}, "facetStats": {},
                }),
            )
        })
        .collect()
}

fn page_of(documents: &[Document], request: Value) -> Value {
    let request = SearchRequest::from_json(request).unwrap();
    let index = index();
    let responses = node_responses(documents, &request, &index);
    merge(MergeContext { request: &request, index: &index }, responses).unwrap().into()
}

fn sorted_ids(documents: &[Document]) -> Vec<u64> {
    let mut sorted: Vec<&Document> = documents.iter().collect();
    sorted.sort_by_key(|document| document.place());
    sorted.into_iter().map(|document| u64::from(document.id)).collect()
}

fn shown_ids(response: &Value) -> Vec<u64> {
    ids(response).into_iter().map(|id| id.as_u64().unwrap()).collect()
}

proptest! {
    #[test]
    fn merge_equals_a_sort_of_all_documents(documents in documents(), offset in 0usize..70, limit in 0usize..70) {
        let response = page_of(&documents, json!({"offset": offset, "limit": limit}));
        let expected: Vec<u64> = sorted_ids(&documents).into_iter().skip(offset).take(limit).collect();
        prop_assert_eq!(shown_ids(&response), expected);
    }

    #[test]
    fn totals_and_facets_add_up(documents in documents()) {
        let response = page_of(&documents, json!({"facets": ["genre"]}));
        prop_assert_eq!(&response["estimatedTotalHits"], &json!(documents.len()));
        let mut expected = std::collections::BTreeMap::new();
        for document in &documents {
            *expected.entry(format!("g{}", document.genre)).or_insert(0) += 1;
        }
        prop_assert_eq!(&response["facetDistribution"]["genre"], &json!(expected));
    }

    #[test]
    fn pages_tile_without_gap_or_overlap(documents in documents(), size in 1usize..9) {
        let mut shown = Vec::new();
        for page in 1..=documents.len().div_ceil(size) + 1 {
            let response = page_of(&documents, json!({"page": page, "hitsPerPage": size}));
            prop_assert_eq!(&response["totalPages"], &json!(documents.len().div_ceil(size)));
            shown.extend(shown_ids(&response));
        }
        prop_assert_eq!(shown, sorted_ids(&documents));
    }

    #[test]
    fn distinct_across_nodes_equals_distinct_over_all_documents(documents in documents(), limit in 0usize..9) {
        // Each node keeps one document per genre, as its engine does.
        let mut kept = Vec::new();
        for node in 0..NODES {
            let mut own: Vec<&Document> = documents.iter().filter(|document| document.node == node).collect();
            own.sort_by_key(|document| document.place());
            let mut seen = std::collections::HashSet::new();
            kept.extend(own.into_iter().filter(|document| seen.insert(document.genre)).cloned());
        }
        let response = page_of(&kept, json!({"distinct": "genre", "limit": limit}));
        let mut everything: Vec<&Document> = documents.iter().collect();
        everything.sort_by_key(|document| document.place());
        let mut seen = std::collections::HashSet::new();
        let expected: Vec<u64> = everything
            .into_iter()
            .filter(|document| seen.insert(document.genre))
            .take(limit)
            .map(|document| u64::from(document.id))
            .collect();
        prop_assert_eq!(shown_ids(&response), expected);
    }
}
