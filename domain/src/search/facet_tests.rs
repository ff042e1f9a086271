use serde_json::json;

use super::*;
use crate::search::request::tests::index;

fn merged(index: &NodeQuery, candidates: u64, responses: &[(Value, Value)]) -> (String, String) {
    let mut facets = Facets::default();
    for (_, stats) in responses {
        facets.add_stats(stats).unwrap();
    }
    for (distribution, _) in responses {
        facets.add_distribution(distribution.clone()).unwrap();
    }
    let (distribution, stats) = facets.finish(index, candidates);
    (Value::Object(distribution).to_string(), Value::Object(stats).to_string())
}

fn by_count() -> NodeQuery {
    NodeQuery { sort_facet_values_by: Map::from_iter([("*".to_owned(), json!("count"))]), ..index() }
}

#[test]
fn counts_add_up_and_ranges_widen() {
    let responses = [
        (json!({"y": {"1": 2}, "g": {"A": 1, "b": 1}}), json!({"y": {"min": 1.0, "max": 1.0}})),
        (json!({"g": {"a": 2, "C": 1}}), json!({})),
        (json!({"y": {"1": 1, "-2.5": 4}, "z": {}}), json!({"y": {"min": -2.5, "max": 1.0}})),
    ];
    let (distribution, stats) = merged(&index(), 11, &responses);
    assert_eq!(distribution, r#"{"g":{"A":3,"b":1,"C":1},"y":{"-2.5":4,"1":3},"z":{}}"#);
    assert_eq!(stats, r#"{"y":{"min":-2.5,"max":1.0}}"#);
}

#[test]
fn numbers_precede_texts_and_sort_as_text_in_small_results() {
    let responses =
        [(json!({"m": {"10": 1, "2": 1, "!": 1, "x": 1}}), json!({"m": {"min": 2.0, "max": 10.0}}))];
    assert_eq!(merged(&index(), 3000, &responses).0, r#"{"m":{"10":1,"2":1,"!":1,"x":1}}"#);
    assert_eq!(merged(&index(), 3001, &responses).0, r#"{"m":{"2":1,"10":1,"!":1,"x":1}}"#);
}

#[test]
fn numeric_looking_values_are_text_if_there_is_no_range() {
    let responses = [(json!({"m": {"!": 1, "10": 1, "9": 1}}), json!({}))];
    assert_eq!(merged(&index(), 9000, &responses).0, r#"{"m":{"!":1,"10":1,"9":1}}"#);
}

#[test]
fn order_by_count_puts_numbers_before_texts_and_greatest_first() {
    let responses = [
        (json!({"m": {"1": 3, "v1": 9, "v2": 2}}), json!({"m": {"min": 1.0, "max": 1.0}})),
        (json!({"m": {"12": 3, "2": 3, "v3": 9}}), json!({"m": {"min": 2.0, "max": 12.0}})),
    ];
    assert_eq!(merged(&by_count(), 9, &responses).0, r#"{"m":{"12":3,"2":3,"1":3,"v3":9,"v1":9,"v2":2}}"#);
}

#[test]
fn order_of_one_facet_overrides_that_of_all() {
    let mut index = by_count();
    index.sort_facet_values_by.insert("g".to_owned(), json!("alpha"));
    let responses = [(json!({"g": {"b": 2, "a": 1}, "h": {"a": 1, "b": 2}}), json!({}))];
    assert_eq!(merged(&index, 3, &responses).0, r#"{"g":{"a":1,"b":2},"h":{"b":2,"a":1}}"#);
}

#[test]
fn values_are_cut_after_the_sum() {
    let index = NodeQuery { max_values_per_facet: 2, ..by_count() };
    let responses =
        [(json!({"g": {"a": 5, "b": 4}}), json!({})), (json!({"g": {"c": 7, "b": 4}}), json!({}))];
    assert_eq!(merged(&index, 20, &responses).0, r#"{"g":{"b":8,"c":7}}"#);
}

#[test]
fn reserved_facets_are_not_shown() {
    let responses = [(
        json!({"_miroir_shard": {"1": 4}, "g": {"a": 1}}),
        json!({"_miroir_shard": {"min": 1.0, "max": 1.0}}),
    )];
    assert_eq!(merged(&index(), 5, &responses), (r#"{"g":{"a":1}}"#.to_owned(), "{}".to_owned()));
}

#[test]
fn forget_subtracts_each_value_of_a_hit() {
    let mut facets = Facets::default();
    facets.add_stats(&json!({"n": {"min": 1.0, "max": 2.0}})).unwrap();
    facets
        .add_distribution(
            json!({"n": {"1": 2, "2": 1}, "g": {"Drama": 2, "War": 1}, "a.b": {"true": 1}, "e": {}}),
        )
        .unwrap();
    let hit = json!({"n": 1, "g": ["drama", "War"], "a": {"b": true}, "other": 4});
    facets.forget(hit.as_object().unwrap());
    let (distribution, _) = facets.finish(&index(), 3);
    assert_eq!(
        Value::Object(distribution).to_string(),
        r#"{"a.b":{},"e":{},"g":{"Drama":1},"n":{"1":1,"2":1}}"#
    );
}

#[test]
fn garbage_is_refused_with_the_part_that_is_wrong() {
    for (distribution, part) in [
        (json!([]), "facetDistribution"),
        (json!({"genres": 3}), "genres"),
        (json!({"genres": {"War": -1}}), "War"),
        (json!({"genres": {"War": "many"}}), "War"),
    ] {
        let problem = Facets::default().add_distribution(distribution).unwrap_err();
        assert!(problem.contains(part), "{problem}");
    }
    for (stats, part) in
        [(json!(1), "facetStats"), (json!({"year": {"min": 1}}), "max"), (json!({"year": null}), "min")]
    {
        let problem = Facets::default().add_stats(&stats).unwrap_err();
        assert!(problem.contains(part), "{problem}");
    }
}
