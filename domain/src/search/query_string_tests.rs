use serde_json::json;

use super::*;

fn body(parameters: &[(&str, &str)]) -> Value {
    Value::Object(read(parameters.iter().copied()).unwrap())
}

fn refusal(parameters: &[(&str, &str)]) -> (ErrorCode, String) {
    let refusal = read(parameters.iter().copied()).unwrap_err();
    (refusal.code, refusal.message)
}

#[test]
fn refusals_repeat_a_huge_value_in_part_only() {
    let huge = "é".repeat(100_000);
    let filter = format!(r#"{{"a":"{huge}"}}"#);
    for parameter in [
        ("limit", huge.as_str()),
        ("showRankingScore", &huge),
        ("matchingStrategy", &huge),
        ("filter", &filter),
        (&huge, ""),
    ] {
        let message = refusal(&[parameter]).1;
        assert!(message.chars().count() < 1_500, "{} characters", message.chars().count());
        assert!(message.contains(&huge[..300]), "{message}");
    }
}

#[test]
fn parameters_become_the_body_of_a_post() {
    assert_eq!(
        body(&[
            ("q", ""),
            ("limit", "18446744073709551615"),
            ("showRankingScore", "true"),
            ("attributesToRetrieve", "id,,title"),
            ("facets", ""),
            ("rankingScoreThreshold", "0.5"),
            ("matchingStrategy", "frequency"),
            ("vector", "1,-0.5"),
            ("hybridEmbedder", "e"),
            ("hybridSemanticRatio", "0.25"),
            ("personalizeUserContext", "likes cats"),
        ]),
        json!({
            "q": "",
            "limit": u64::MAX,
            "showRankingScore": true,
            "attributesToRetrieve": ["id", "title"],
            "facets": [],
            "rankingScoreThreshold": 0.5,
            "matchingStrategy": "frequency",
            "vector": [1.0, -0.5],
            "hybrid": {"embedder": "e", "semanticRatio": 0.25},
            "personalize": {"userContext": "likes cats"},
        })
    );
}

#[test]
fn last_of_a_repeated_parameter_counts() {
    assert_eq!(body(&[("limit", "nonsense"), ("q", "a"), ("limit", "2")]), json!({"q": "a", "limit": 2}));
}

#[test]
fn a_filter_may_be_text_or_json() {
    assert_eq!(body(&[("filter", "a = 1")]), json!({"filter": "a = 1"}));
    assert_eq!(body(&[("filter", r#"["a = 1", ["b = 2"]]"#)]), json!({"filter": ["a = 1", ["b = 2"]]}));
    for text in ["3", "null", "{}"] {
        assert_eq!(refusal(&[("filter", text)]).0, ErrorCode::InvalidSearchFilter);
    }
}

#[test]
fn comma_inside_a_point_is_not_a_separator() {
    for (text, expected) in [
        ("n:desc,price:asc", json!(["n:desc", "price:asc"])),
        ("_geoPoint(1, 2):asc,n:desc", json!(["_geoPoint(1,2):asc", "n:desc"])),
        ("n:asc, _geoPoint(1,2):desc", json!(["n:asc", "_geoPoint(1,2):desc"])),
        ("\"n:asc\"", json!(["n:asc"])),
        ("_geoPoint(1", json!(["_geoPoint(1"])),
        ("", json!([""])),
    ] {
        assert_eq!(body(&[("sort", text)])["sort"], expected, "{text}");
    }
}

#[test]
fn refusals_have_the_words_of_a_server() {
    for (name, text, code, message) in [
        (
            "limit",
            "a",
            ErrorCode::InvalidSearchLimit,
            "Invalid value in parameter `limit`: could not parse `a` as a positive integer",
        ),
        (
            "limit",
            "-1",
            ErrorCode::InvalidSearchLimit,
            "Invalid value in parameter `limit`: could not parse `-1` as a positive integer",
        ),
        (
            "page",
            "",
            ErrorCode::InvalidSearchPage,
            "Invalid value in parameter `page`: could not parse `` as a positive integer",
        ),
        (
            "offset",
            "18446744073709551616",
            ErrorCode::InvalidSearchOffset,
            "Invalid value in parameter `offset`: could not parse `18446744073709551616` as a positive integer",
        ),
        (
            "showRankingScore",
            "1",
            ErrorCode::InvalidSearchShowRankingScore,
            "Invalid value in parameter `showRankingScore`: could not parse `1` as a boolean, expected either `true` or `false`",
        ),
        (
            "matchingStrategy",
            "foo",
            ErrorCode::InvalidSearchMatchingStrategy,
            "Unknown value `foo` for parameter `matchingStrategy`: expected one of `last`, `all`, `frequency`",
        ),
        (
            "rankingScoreThreshold",
            "2",
            ErrorCode::InvalidSearchRankingScoreThreshold,
            "Invalid value in parameter `rankingScoreThreshold`: the value of `rankingScoreThreshold` is invalid, expected a float between `0.0` and `1.0`.",
        ),
        (
            "hybridSemanticRatio",
            "x",
            ErrorCode::InvalidSearchSemanticRatio,
            "Invalid value in parameter `hybridSemanticRatio`: the value of `semanticRatio` is invalid, expected a float between `0.0` and `1.0`.",
        ),
        (
            "hybridSemanticRatio",
            "0.5",
            ErrorCode::InvalidSearchHybridQuery,
            "`hybridEmbedder` is mandatory when `hybridSemanticRatio` is present",
        ),
        (
            "vector",
            "1,NaN",
            ErrorCode::InvalidSearchVector,
            "Invalid value in parameter `vector`: invalid float literal",
        ),
        (
            "vector",
            "1,2",
            ErrorCode::MissingSearchHybrid,
            "`hybridEmbedder` is mandatory when `vector` is present",
        ),
        (
            "filter",
            "3",
            ErrorCode::InvalidSearchFilter,
            "Invalid syntax for the filter parameter: `expected String, Array, found: 3`.",
        ),
    ] {
        assert_eq!(refusal(&[(name, text)]), (code, message.to_owned()));
    }
}

#[test]
fn unknown_parameters_are_refused_with_the_list_of_known_ones() {
    for name in ["x", "media", "hybrid", "personalize", "indexUid"] {
        let (code, message) = refusal(&[(name, "1")]);
        assert_eq!(code, ErrorCode::BadRequest);
        assert_eq!(
            message,
            format!(
                "Unknown parameter `{name}`: expected one of `q`, `offset`, `limit`, `page`, `hitsPerPage`, `attributesToRetrieve`, `attributesToCrop`, `cropLength`, `cropMarker`, `attributesToHighlight`, `highlightPreTag`, `highlightPostTag`, `showMatchesPosition`, `filter`, `sort`, `distinct`, `facets`, `matchingStrategy`, `attributesToSearchOn`, `rankingScoreThreshold`, `locales`, `hybridEmbedder`, `hybridSemanticRatio`, `vector`, `retrieveVectors`, `personalizeUserContext`, `useNetwork`, `showRankingScore`, `showRankingScoreDetails`, `showPerformanceDetails`"
            )
        );
    }
}

#[test]
fn parameters_that_are_read_form_a_valid_body() {
    let texts = ["", "a", "1", "true", "0.5", "last", "a:asc,b:desc", "[\"a\"]", "null"];
    for (name, ..) in PARAMETERS {
        for text in texts {
            if let Ok(body) = read([(*name, text)]) {
                let body = Value::Object(body);
                assert!(super::super::SearchRequest::from_json(body.clone()).is_ok(), "{body}");
            }
        }
    }
}
