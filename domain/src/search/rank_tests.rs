use proptest::prelude::*;
use serde_json::json;

use super::*;

fn rank(details: &Value) -> Rank {
    let hit = json!({ DETAILS: details });
    Rank::of(hit.as_object().unwrap(), None).unwrap()
}

/// Asserts that the details are given from best to worst.
fn assert_descending(ranked: &[Value]) {
    for pair in ranked.windows(2) {
        assert!(rank(&pair[0]) > rank(&pair[1]), "{} should precede {}", pair[0], pair[1]);
    }
}

#[test]
fn words_and_typos_are_compared_by_their_number_not_by_their_score() {
    let hit = |words: u32, typos: u32, most_typos: u32, score: f64| {
        json!({
            "words": {"order": 0, "matchingWords": words, "maxMatchingWords": 3, "score": f64::from(words) / 3.0},
            "typo": {"order": 1, "typoCount": typos, "maxTypoCount": most_typos, "score": score},
        })
    };
    assert_descending(&[hit(3, 0, 1, 1.0), hit(3, 1, 1, 0.5), hit(3, 2, 5, 0.67), hit(2, 0, 1, 1.0)]);
    assert_eq!(rank(&hit(3, 1, 1, 0.5)), rank(&hit(3, 1, 2, 0.667)));
}

#[test]
fn exactness_is_compared_by_type_and_then_by_words() {
    let exactness = |detail: Value| {
        let mut detail = detail;
        detail["order"] = json!(0);
        json!({ "exactness": detail })
    };
    assert_descending(&[
        exactness(json!({"matchType": "exactMatch", "score": 1.0})),
        exactness(json!({"matchType": "matchesStart", "score": 0.66})),
        exactness(
            json!({"matchType": "noExactMatch", "matchingWords": 2, "maxMatchingWords": 2, "score": 0.33}),
        ),
        exactness(
            json!({"matchType": "noExactMatch", "matchingWords": 0, "maxMatchingWords": 2, "score": 0.9}),
        ),
    ]);
}

#[test]
fn attribute_rule_is_compared_by_attribute_and_then_by_position() {
    let attribute = |fid: f64, position: f64| json!({"attribute": {"order": 0, "attributeRankingOrderScore": fid, "queryWordDistanceScore": position, "score": 0.5}});
    assert_descending(&[attribute(1.0, 0.2), attribute(0.5, 1.0), attribute(0.5, 0.9)]);
}

#[test]
fn sorts_put_numbers_before_texts_and_missing_values_last_in_both_directions() {
    let by = |name: &str, value: Value| json!({ name: {"order": 0, "value": value} });
    let ascending = [json!(-3.5), json!(2), json!(10.0), json!("10"), json!("a"), json!("b"), json!(null)];
    let descending = [json!(10.0), json!(2), json!(-3.5), json!("b"), json!("a"), json!("10"), json!(null)];
    assert_descending(&ascending.map(|value| by("n:asc", value)));
    assert_descending(&descending.map(|value| by("n:desc", value)));
    assert_eq!(rank(&by("n:asc", json!(0.0))), rank(&by("n:asc", json!(-0.0))));
}

#[test]
fn distances_sort_in_their_direction_and_unknown_ones_last() {
    let by = |direction: &str, metres: Value| json!({ format!("_geoPoint(1, 2):{direction}"): {"order": 0, "value": {"lat": 1.0, "lng": 2.0}, "distance": metres} });
    assert_descending(&[by("asc", json!(1.5)), by("asc", json!(20)), by("asc", json!(null))]);
    assert_descending(&[by("desc", json!(20)), by("desc", json!(1.5)), by("desc", json!(null))]);
}

#[test]
fn rules_apply_in_their_order_and_not_in_that_of_the_keys() {
    let hit = |year: u32, words: u32| {
        json!({
            "words": {"order": 1, "matchingWords": words, "maxMatchingWords": 2, "score": 1.0},
            "year:desc": {"order": 0, "value": year},
        })
    };
    assert_descending(&[hit(2000, 1), hit(1999, 2), hit(1999, 1)]);
}

#[test]
fn rules_known_by_score_alone_are_compared_by_it() {
    let by = |name: &str, score: f64| json!({ name: {"order": 0, "score": score} });
    for name in ["proximity", "attributeRank", "wordPosition", "someFutureRule"] {
        assert_descending(&[by(name, 0.75), by(name, 0.5)]);
    }
}

#[test]
fn hidden_values_do_not_decide() {
    let hit = |hidden: &str, score: f64| json!({"<hidden-rule-0>": {"order": 0, "value": hidden}, "proximity": {"order": 1, "score": score}});
    assert_descending(&[hit("<hidden>", 1.0), hit("<hidden>", 0.5)]);
}

#[test]
fn hit_skipped_at_the_deadline_follows_ranked_hits() {
    let words = json!({"order": 0, "matchingWords": 1, "maxMatchingWords": 1, "score": 1.0});
    assert_descending(&[
        json!({"words": words, "typo": {"order": 1, "typoCount": 2, "maxTypoCount": 2, "score": 0.3}}),
        json!({"words": words, "skipped": {"order": 1}}),
        json!({"words": words}),
    ]);
}

#[test]
fn hybrid_hits_are_compared_by_weighted_score() {
    let semantic_ratio = Some(0.25);
    let keyword = |score: f64| {
        let hit = json!({SCORE: score, DETAILS: {"words": {"order": 0, "matchingWords": 1, "maxMatchingWords": 1, "score": 1.0}}});
        Rank::of(hit.as_object().unwrap(), semantic_ratio).unwrap()
    };
    let semantic = |score: f64| {
        let hit = json!({SCORE: score, DETAILS: {VECTOR: {"order": 0, "similarity": score}}});
        Rank::of(hit.as_object().unwrap(), semantic_ratio).unwrap()
    };
    assert!(keyword(0.4) > semantic(1.0), "0.3 should beat 0.25");
    assert!(semantic(1.0) > keyword(0.3), "0.25 should beat 0.225");
    assert!(semantic(0.9) > semantic(0.8));
}

#[test]
fn hybrid_hits_follow_a_sort_that_precedes_the_scores() {
    let hit = |year: u32, score: f64| {
        let hit = json!({SCORE: score, DETAILS: {"year:asc": {"order": 0, "value": year}, VECTOR: {"order": 1, "similarity": score}}});
        Rank::of(hit.as_object().unwrap(), Some(0.5)).unwrap()
    };
    assert!(hit(1990, 0.1) > hit(1991, 0.9));
    assert!(hit(1990, 0.2) > hit(1990, 0.1));
}

#[test]
fn hit_without_similarity_comes_last() {
    let by = |similarity: Value| json!({ VECTOR: {"order": 0, "similarity": similarity} });
    assert_descending(&[by(json!(0.9)), by(json!(0.1)), by(json!(null))]);
}

#[test]
fn garbage_is_refused_with_the_part_that_is_wrong() {
    for (hit, part) in [
        (json!({}), "_rankingScoreDetails"),
        (json!({ DETAILS: [] }), "_rankingScoreDetails"),
        (json!({ DETAILS: {"words": 3} }), "order"),
        (json!({ DETAILS: {"words": {"order": -1}} }), "order"),
        (json!({ DETAILS: {"words": {"order": 0}} }), "matchingWords"),
        (json!({ DETAILS: {"typo": {"order": 0, "typoCount": "many"}} }), "typoCount"),
        (json!({ DETAILS: {"exactness": {"order": 0, "matchType": "nearly"}} }), "matchType"),
        (json!({ DETAILS: {"attribute": {"order": 0}} }), "attributeRankingOrderScore"),
        (json!({ DETAILS: {"proximity": {"order": 0, "score": null}} }), "score"),
    ] {
        let problem = Rank::of(hit.as_object().unwrap(), None).unwrap_err();
        assert!(problem.contains(part), "{problem:?} should name {part}");
    }
    let unscored = json!({ DETAILS: {} });
    assert!(Rank::of(unscored.as_object().unwrap(), Some(0.5)).unwrap_err().contains(SCORE));
}

fn any_detail() -> impl Strategy<Value = (String, Value)> {
    let value = prop_oneof![
        Just(json!(null)),
        (-3i32..3).prop_map(|number| json!(number)),
        "[a-c]{0,2}".prop_map(|text| json!(text)),
        Just(json!([1])),
        Just(json!(true)),
    ];
    let small = 0u32..3;
    prop_oneof![
        (small.clone(), small.clone())
            .prop_map(|(words, _)| ("words".into(), json!({"matchingWords": words}))),
        small.clone().prop_map(|typos| ("typo".into(), json!({"typoCount": typos}))),
        small.clone().prop_map(|score| ("proximity".into(), json!({"score": score}))),
        (small.clone(), small.clone()).prop_map(|(fid, position)| (
            "attribute".into(),
            json!({"attributeRankingOrderScore": fid, "queryWordDistanceScore": position})
        )),
        (prop::sample::select(vec!["exactMatch", "matchesStart", "noExactMatch"]), small.clone()).prop_map(
            |(kind, words)| ("exactness".into(), json!({"matchType": kind, "matchingWords": words}))
        ),
        value.clone().prop_map(|value| ("n:asc".into(), json!({ "value": value }))),
        value.clone().prop_map(|value| ("n:desc".into(), json!({ "value": value }))),
        value.clone().prop_map(|value| ("<hidden-rule-1>".into(), json!({ "value": value }))),
        value
            .clone()
            .prop_map(|metres| ("_geoPoint(0, 0):asc".into(), json!({"value": {}, "distance": metres}))),
        value.clone().prop_map(|similarity| (VECTOR.into(), json!({ "similarity": similarity }))),
        value.prop_map(|score| ("unheardOf".into(), json!({ "score": score }))),
        Just(("skipped".into(), json!({}))),
    ]
}

/// Details in which any rule may be at any step, or be absent.
fn any_rank() -> impl Strategy<Value = Rank> {
    prop::collection::vec((any_detail(), 0u64..3), 0..4).prop_map(|details| {
        let details: Map<String, Value> = details
            .into_iter()
            .map(|((name, mut detail), order)| {
                detail["order"] = json!(order);
                (name, detail)
            })
            .collect();
        rank(&details.into())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn ranks_are_totally_ordered(a in any_rank(), b in any_rank(), c in any_rank()) {
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a.cmp(&b).is_eq(), a == b);
        let mut sorted = [&a, &b, &c];
        sorted.sort();
        prop_assert!(sorted[0] <= sorted[1] && sorted[1] <= sorted[2] && sorted[0] <= sorted[2]);
        if a <= b && b <= c {
            prop_assert!(a <= c);
        }
    }
}
