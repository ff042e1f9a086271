//! Assertions that no response can meet are refused; those at the bound are not.

use super::*;

/// A query, its assertions, and a part of the refusal if there is one.
type Case = (Value, Value, Option<&'static str>);

fn check(cases: Vec<Case>) {
    for (query, assertions, refused) in cases {
        match (Definition::parse(&written(&query, &assertions)), refused) {
            (Ok(_), None) => {}
            (Err(refusal), Some(part)) => {
                assert!(refusal.message.contains(part), "{part} is not in {}", refusal.message);
                assert!(refusal.message.contains("`.assertions"), "{refusal}");
            }
            (outcome, _) => panic!("{query} {assertions}: {outcome:?}"),
        }
    }
}

fn top(id: &str) -> Value {
    json!({ "type": "top_hit_id", "id": id })
}

fn top_k(k: u64, ids: &[&str]) -> Value {
    json!({ "type": "top_k_contains", "k": k, "ids": ids })
}

fn not(id: &str) -> Value {
    json!({ "type": "must_not_contain_id", "id": id })
}

fn number(kind: &str, value: u64) -> Value {
    json!({ "type": kind, "value": value })
}

fn facet(facet: &str, value: &str, bound: &str, count: u64) -> Value {
    json!({ "type": "facet_count", "facet": facet, "value": value, bound: count })
}

#[test]
fn totals_that_exclude_each_other_or_the_wanted_documents_are_refused() {
    check(vec![
        (json!({}), json!([number("min_hits", 5), number("max_hits", 5)]), None),
        (
            json!({}),
            json!([number("min_hits", 6), number("max_hits", 5)]),
            Some("at least 6 hits and at most 5"),
        ),
        (
            json!({}),
            json!([
                number("max_hits", 9),
                number("min_hits", 1),
                number("min_hits", 7),
                number("max_hits", 6)
            ]),
            Some("at least 7 hits and at most 6"),
        ),
        (json!({}), json!([number("max_hits", 1), top("a")]), None),
        (
            json!({}),
            json!([number("max_hits", 0), top("a")]),
            Some("1 documents would have to be on a page after 0 hits"),
        ),
        (json!({}), json!([number("max_hits", 0), not("a")]), None),
        (json!({ "offset": 3 }), json!([number("max_hits", 5), top_k(9, &["a", "b"])]), None),
        (
            json!({ "offset": 3 }),
            json!([number("max_hits", 4), top_k(9, &["a", "b"])]),
            Some("2 documents would have to be on a page after 3 hits"),
        ),
        (json!({ "page": 2, "hitsPerPage": 3 }), json!([number("max_hits", 4), top("a")]), None),
        (
            json!({ "page": 2, "hitsPerPage": 3 }),
            json!([number("max_hits", 3), top("a")]),
            Some("after 3 hits"),
        ),
        (json!({ "offset": 3 }), json!([number("max_hits", 2)]), None),
        (json!({ "offset": u64::MAX }), json!([number("max_hits", u64::MAX), top("a")]), None),
    ]);
}

#[test]
fn assertions_about_hits_beyond_the_page_are_refused() {
    check(vec![
        (json!({ "limit": 0 }), json!([top("a")]), Some("the page of the query has none")),
        (json!({ "limit": 0 }), json!([not("a")]), Some("the page of the query has none")),
        (json!({ "page": 0 }), json!([top("a")]), Some("the page of the query has none")),
        (json!({ "hitsPerPage": 0 }), json!([top_k(1, &["a"])]), Some("the page of the query has none")),
        (json!({ "limit": 0 }), json!([number("min_hits", 1)]), None),
        (json!({}), json!([top_k(20, &["a"])]), None),
        (
            json!({}),
            json!([top_k(21, &["a"])]),
            Some("it is about 21 hits, but the page of the query has 20"),
        ),
        (json!({ "limit": 1000 }), json!([top_k(1000, &["a"])]), None),
        (json!({ "limit": 3 }), json!([top_k(3, &["a"])]), None),
        (
            json!({ "limit": 3 }),
            json!([top_k(4, &["a"])]),
            Some("about 4 hits, but the page of the query has 3"),
        ),
        (
            json!({ "limit": 9, "hitsPerPage": 3 }),
            json!([top_k(4, &["a"])]),
            Some("the page of the query has 3"),
        ),
        (json!({ "limit": 3, "page": 1 }), json!([top_k(20, &["a"])]), None),
    ]);
}

#[test]
fn contradictory_assertions_about_documents_are_refused() {
    check(vec![
        (json!({}), json!([top("a"), not("b")]), None),
        (json!({}), json!([top("a"), not("a")]), Some("`a` would have to be both among the hits and absent")),
        (
            json!({}),
            json!([not("b"), not("1"), top_k(3, &["c", "1"])]),
            Some("`1` would have to be both among"),
        ),
        (json!({}), json!([top("a"), top("a")]), None),
        (json!({}), json!([top("a"), top("b")]), Some("the first 1 hits would have to be 2 documents")),
        (json!({}), json!([top("a"), top_k(1, &["b"])]), Some("the first 1 hits")),
        (json!({}), json!([top("a"), top_k(2, &["b"])]), None),
        (
            json!({}),
            json!([top_k(3, &["b", "c", "d"]), top("a")]),
            Some("the first 3 hits would have to be 4 documents"),
        ),
        (json!({}), json!([top_k(4, &["b", "c", "d"]), top("a"), top_k(2, &["b"])]), None),
    ]);
}

#[test]
fn facets_that_are_not_counted_or_have_contradictory_bounds_are_refused() {
    check(vec![
        (json!({ "facets": ["genre"] }), json!([facet("genre", "a", "min", 1)]), None),
        (json!({ "facets": ["*"] }), json!([facet("genre", "a", "min", 1)]), None),
        (
            json!({ "facets": ["genres"] }),
            json!([facet("genre", "a", "min", 1)]),
            Some("`genre` is not among the `facets` of the query"),
        ),
        (json!({}), json!([facet("genre", "a", "max", 1)]), Some("not among the `facets`")),
        (json!({ "facets": null }), json!([facet("genre", "a", "max", 1)]), Some("not among the `facets`")),
        (json!({ "facets": ["*"] }), json!([facet("g", "a", "min", 2), facet("g", "a", "max", 2)]), None),
        (
            json!({ "facets": ["*"] }),
            json!([facet("g", "a", "max", 1), facet("g", "a", "min", 2)]),
            Some("no count of `a` in `g` is at least 2 and at most 1"),
        ),
        (
            json!({ "facets": ["*"] }),
            json!([facet("g", "a", "max", 5), facet("g", "a", "min", 2), facet("g", "a", "max", 1)]),
            Some("at least 2 and at most 1"),
        ),
        (json!({ "facets": ["*"] }), json!([facet("g", "a", "max", 1), facet("g", "b", "min", 2)]), None),
        (json!({ "facets": ["*"] }), json!([facet("g", "a", "max", 1), facet("h", "a", "min", 2)]), None),
    ]);
}
