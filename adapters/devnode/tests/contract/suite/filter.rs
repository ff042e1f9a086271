//! Filters.

use serde_json::{Value, json};

use super::server::Server;

/// Asserts the films that filters find.
async fn assert_found(server: &Server, expected: &[(Value, &[u64])]) {
    server.films().await;
    for (filter, ids) in expected {
        assert_eq!(server.found(json!({ "filter": filter })).await, *ids, "{filter}");
    }
}

pub async fn comparisons_find_their_documents(server: &Server) {
    assert_found(
        server,
        &[
            (json!("year = 2015"), &[1, 4]),
            (json!("year = \"2015\""), &[1, 4]),
            (json!("year = 2015.0"), &[1, 4]),
            (json!("year != 2015"), &[2, 3, 5, 6, 7, 8, 9, 10, 11]),
            (json!("year > 2016"), &[2, 7]),
            (json!("year >= 2016"), &[2, 5, 7]),
            (json!("year < 2001"), &[6, 10]),
            (json!("year <= 2001"), &[6, 9, 10]),
            (json!("year 2012 TO 2015"), &[1, 3, 4]),
            (json!("year IN [2012, 2016]"), &[3, 5]),
            (json!("year NOT IN [2015,2017]"), &[3, 5, 6, 8, 9, 10, 11]),
            (json!("rating >= 7.9"), &[3, 4, 7, 9]),
        ],
    )
    .await;
}

pub async fn texts_are_compared_without_case(server: &Server) {
    assert_found(
        server,
        &[
            (json!("genres = drama"), &[1, 3, 6, 7, 8]),
            (json!("genres = 'FAMILY'"), &[7]),
            (json!("genres = Comédie"), &[9]),
            (json!("genres = Comedie"), &[]),
            (json!("studio = \"number 9\""), &[1]),
            (json!("studio IN [DC, 'Fox']"), &[2, 3]),
            (json!("studio > F"), &[1, 3, 4, 7]),
            (json!("studio < F"), &[2, 5, 8]),
            (json!("studio STARTS WITH d"), &[2, 5, 8]),
            (json!("genres = dram"), &[]),
        ],
    )
    .await;
}

pub async fn null_empty_and_missing_are_distinguished(server: &Server) {
    assert_found(
        server,
        &[
            (json!("studio IS NULL"), &[9]),
            (json!("studio IS NOT NULL"), &[1, 2, 3, 4, 5, 6, 7, 8, 10, 11]),
            (json!("studio IS EMPTY"), &[10]),
            (json!("studio IS NOT EMPTY"), &[1, 2, 3, 4, 5, 6, 7, 8, 9, 11]),
            (json!("studio EXISTS"), &[1, 2, 3, 4, 5, 7, 8, 9, 10]),
            (json!("studio NOT EXISTS"), &[6, 11]),
            (json!("NOT studio EXISTS"), &[6, 11]),
            (json!("genres IS EMPTY"), &[11]),
        ],
    )
    .await;
}

pub async fn logic_binds_and_before_or(server: &Server) {
    assert_found(
        server,
        &[
            (json!("year > 2015 OR genres = Comedy AND rating < 7"), &[2, 5, 7, 10]),
            (json!("(year > 2015 OR genres = Comedy) AND rating < 7"), &[10]),
            (json!("NOT (studio IN [DC]) AND year = 2017"), &[7]),
            (json!("NOT NOT year = 2017"), &[2, 7]),
            (json!("genres = Drama AND genres = Romance"), &[1]),
            (json!("  "), &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        ],
    )
    .await;
}

pub async fn arrays_are_conjunctions_of_disjunctions(server: &Server) {
    assert_found(
        server,
        &[
            (json!(["year = 2015", "genres = Drama"]), &[1]),
            (json!([["year = 2012", "year = 2016"], "genres = Adventure"]), &[3]),
            (json!([["year = 2012", "year = 2016 AND rating < 7"]]), &[3]),
            (json!([]), &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        ],
    )
    .await;
}

async fn refused(server: &Server, filter: Value, message: &str) {
    let response = server.send("POST", "/indexes/films/search", json!({ "filter": filter })).await;
    response.refuses(400, "invalid_search_filter", message);
}

pub async fn attribute_must_be_filterable(server: &Server) {
    server.films().await;
    let patterns = "Available filterable attribute patterns are: `genres`, `rating`, `studio`, `year`.";
    for (filter, place) in [
        (json!("zz = 1"), "2:4 \"zz\" = \"1\""),
        (json!("NOT (zz > 3)"), "7:9 NOT (\"zz\" > \"3\")"),
        (json!("zz 1 TO 3"), "2:4 \"zz\" \"1\" TO \"3\""),
        (json!("zz IS EMPTY"), "2:4 \"zz\" IS EMPTY"),
        (json!("zz IS NOT NULL"), "7:9 NOT (\"zz\" IS NULL)"),
        (json!("zz NOT EXISTS"), "7:9 NOT (\"zz\" EXISTS)"),
        (json!("zz NOT IN [a,b]"), "7:9 NOT (\"zz\" IN [\"a\", \"b\"])"),
        (
            json!(["year=1", ["zz=1", "year=2"]]),
            "23:25 (\"year\" = \"1\") AND ((\"zz\" = \"1\") OR (\"year\" = \"2\"))",
        ),
    ] {
        let message = format!("Index `films`: Attribute `zz` is not filterable. {patterns}\n{place}");
        refused(server, filter, &message).await;
    }
}

pub async fn attribute_in_an_index_without_filters_is_refused(server: &Server) {
    server.succeeds("POST", "/indexes", json!({ "uid": "films" })).await;
    let message = "Index `films`: Attribute `year` is not filterable. This index does not have configured filterable \
                   attributes.\n2:6 \"year\" = \"1\"";
    refused(server, json!("year = 1"), message).await;
}

const OPERATIONS: &str = "Was expecting an operation `=`, `!=`, `>=`, `>`, `<=`, `<`, `IN`, `NOT IN`, `TO`, `EXISTS`, \
                          `NOT EXISTS`, `IS NULL`, `IS NOT NULL`, `IS EMPTY`, `IS NOT EMPTY`, `CONTAINS`, \
                          `NOT CONTAINS`, `STARTS WITH`, `NOT STARTS WITH`, `_geoRadius`, `_geoBoundingBox` or \
                          `_geoPolygon`";

pub async fn syntax_errors_name_their_place(server: &Server) {
    server.films().await;
    let reserved =
        "which is a reserved keyword. To use `AND` as a field name or a value, surround it by quotes.";
    let forgot = "You probably forgot an `OR` or an `AND` rule.";
    for (filter, message) in [
        ("year =", "Was expecting a value but instead got nothing.\n7:7 year =".to_owned()),
        ("year = AND", format!("Was expecting a value but instead got `AND`, {reserved}\n8:11 year = AND")),
        ("foo=1 AND", format!("{OPERATIONS} but instead got nothing.\n10:10 foo=1 AND")),
        ("foo", format!("{OPERATIONS} at `foo`.\n1:4 foo")),
        ("year IS FOO", format!("{OPERATIONS} at `year IS FOO`.\n1:12 year IS FOO")),
        ("year TO 3", format!("{OPERATIONS} at `year TO 3`.\n1:10 year TO 3")),
        ("NOT", format!("{OPERATIONS} but instead got nothing.\n4:4 NOT")),
        (
            "(year=1",
            "Expression `(year=1` is missing the following closing delimiter: `)`.\n1:8 (year=1".to_owned(),
        ),
        ("\"a", "Expression `\\\"a` is missing the following closing delimiter: `\"`.\n1:3 \"a".to_owned()),
        (
            "year IN [1",
            "Expected matching `]` after the list of field names given to `IN[`\n11:11 year IN [1".to_owned(),
        ),
        (
            "year = 1 2",
            format!("Found unexpected characters at the end of the filter: `2`. {forgot}\n10:11 year = 1 2"),
        ),
        (
            "year EXISTS 3",
            format!(
                "Found unexpected characters at the end of the filter: ` 3`. {forgot}\n12:14 year EXISTS 3"
            ),
        ),
    ] {
        refused(server, json!(filter), &message).await;
    }
}

pub async fn wrong_types_are_refused(server: &Server) {
    server.films().await;
    for (filter, expected) in [
        (json!(3), "expected String, Array, found: 3"),
        (json!([3]), "expected String, [String], found: 3"),
        (json!(["year=1", ["year=2", ["year=3"]]]), "expected String, found: [\"year=3\"]"),
    ] {
        let message = format!("Invalid syntax for the filter parameter: `{expected}`.");
        refused(server, filter, &message).await;
    }
}
