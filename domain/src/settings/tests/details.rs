//! The details of a settings task.

use super::*;

#[test]
fn details_print_settings_in_the_order_of_a_server() {
    for (settings, details) in [
        (json!({}), "{}".to_owned()),
        (
            json!({
                "sortableAttributes": ["b", "a", "b"], "displayedAttributes": ["z", "b", "z"],
                "synonyms": {"b": ["z", "a"], "a": []}, "searchableAttributes": null,
                "faceting": {"sortFacetValuesBy": {"z": "count", "a": "alpha"}, "maxValuesPerFacet": 5}
            }),
            concat!(
                r#"{"displayedAttributes":["z","b","z"],"searchableAttributes":["*"],"#,
                r#""sortableAttributes":["a","b"],"synonyms":{"a":[],"b":["z","a"]},"#,
                r#""faceting":{"maxValuesPerFacet":5,"sortFacetValuesBy":{"a":"alpha","z":"count"}}}"#
            )
            .to_owned(),
        ),
        (
            json!({"typoTolerance": {
                "disableOnNumbers": true, "minWordSizeForTypos": {"twoTypos": 9, "oneTypo": null},
                "enabled": null, "disableOnWords": ["b", "a", "b"]
            }}),
            concat!(
                r#"{"typoTolerance":{"enabled":null,"minWordSizeForTypos":{"oneTypo":null,"twoTypos":9},"#,
                r#""disableOnWords":["a","b"],"disableOnNumbers":true}}"#
            )
            .to_owned(),
        ),
        (
            json!({"filterableAttributes": ["x", {"features": {"filter": {"comparison": true}},
                "attributePatterns": ["b", "a"]}]}),
            concat!(
                r#"{"filterableAttributes":["x",{"attributePatterns":["b","a"],"features":"#,
                r#"{"facetSearch":false,"filter":{"equality":true,"comparison":true}}}]}"#
            )
            .to_owned(),
        ),
        (
            json!({"filterableAttributes": [{"attributePatterns": []}]}),
            concat!(
                r#"{"filterableAttributes":[{"attributePatterns":[],"features":"#,
                r#"{"facetSearch":false,"filter":{"equality":true,"comparison":false}}}]}"#
            )
            .to_owned(),
        ),
    ] {
        assert_eq!(text(&whole(settings)), details);
    }
}

#[test]
fn details_of_resets_are_nulls_and_wildcards() {
    assert_eq!(text(&reset(Some(Setting::DisplayedAttributes))), r#"{"displayedAttributes":["*"]}"#);
    assert_eq!(text(&reset(Some(Setting::TypoTolerance))), r#"{"typoTolerance":null}"#);
    assert_eq!(text(&one(Setting::StopWords, json!(["q", "a"]))), r#"{"stopWords":["a","q"]}"#);
    let all = text(&reset(None));
    assert!(all.starts_with(
        r#"{"displayedAttributes":["*"],"searchableAttributes":["*"],"filterableAttributes":null,"#
    ));
    assert!(all.ends_with(r#""facetSearch":null,"prefixSearch":null,"chat":null}"#), "{all}");
}

#[test]
fn details_hide_keys_of_embedders() {
    for (key, shown) in [
        ("short", "XXX..."),
        ("0123456789abcdef", "01XXXX..."),
        ("0123456789abcdef0123", "012XXXXX..."),
        ("ééééééééééééééééééééé", "éééééXXXXXX..."),
    ] {
        let change = one(
            Setting::Embedders,
            json!({"z": {"apiKey": key, "source": "rest"}, "b": null, "c": {"searchEmbedder": {"apiKey": key}}}),
        );
        let details = text(&change);
        assert!(!details.contains(key), "{details}");
        assert_eq!(
            change.details()["embedders"],
            json!({"b": null, "c": {"searchEmbedder": {"apiKey": shown}}, "z": {"source": "rest", "apiKey": shown}})
        );
    }
}
