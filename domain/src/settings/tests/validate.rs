//! The changes that are refused, and their refusals.

use super::*;

#[test]
fn refusals_repeat_a_huge_text_in_part_only() {
    let huge = || "é".repeat(100_000);
    for settings in [
        json!({"stopWords": huge()}),
        json!({"rankingRules": [huge()]}),
        json!({"rankingRules": [format!("_geo({}):asc", huge())]}),
        json!({"proximityPrecision": huge()}),
        json!({"synonyms": {(huge()): 1}}),
        json!({"faceting": {(huge()): 1}}),
        json!({(huge()): 1}),
    ] {
        let message = refusal(&whole(settings)).1;
        assert!(message.chars().count() < 1_500, "{} characters", message.chars().count());
        assert!(message.contains(&"é".repeat(150)), "{message}");
    }
}

#[test]
fn validate_accepts_what_a_server_accepts() {
    for setting in Setting::ALL {
        assert_eq!(one(*setting, Value::Null).validate(), Ok(()), "{setting:?}");
        assert_eq!(reset(Some(*setting)).validate(), Ok(()));
    }
    assert_eq!(reset(None).validate(), Ok(()));
    for settings in [
        json!({}),
        json!({"searchableAttributes": ["*", "a"], "displayedAttributes": []}),
        json!({"filterableAttributes": ["a", {"attributePatterns": ["b*"]}, {
            "features": {"filter": {"comparison": true}, "facetSearch": true}, "attributePatterns": []
        }]}),
        json!({"rankingRules": ["words", "words", "a:asc", "a:b:desc", ":asc", "_rankingScore:asc"]}),
        json!({"rankingRules": ["attributeRank", "wordPosition"]}),
        json!({"synonyms": {"a": [], "b": ["c"]}, "distinctAttribute": "x"}),
        json!({"typoTolerance": {"enabled": null, "minWordSizeForTypos": {"oneTypo": 9, "twoTypos": null}}}),
        json!({"faceting": {"maxValuesPerFacet": 0, "sortFacetValuesBy": {"*": "alpha", "z": "count"}}}),
        json!({"embedders": {"a": null, "b": {}, "c": {"source": "rest", "request": 5, "dimensions": 2}}}),
        json!({"localizedAttributes": [{"attributePatterns": ["*"], "locales": ["jpn"]}]}),
        json!({"chat": {"description": null, "searchParameters": {}}, "foreignKeys": []}),
        json!({"searchCutoffMs": 0, "facetSearch": true, "prefixSearch": "disabled"}),
    ] {
        assert_eq!(whole(settings.clone()).validate(), Ok(()), "{settings}");
    }
}

#[test]
fn wrong_type_is_refused_with_its_place() {
    assert_eq!(
        refusal(&one(Setting::RankingRules, json!("x"))),
        (
            "invalid_settings_ranking_rules",
            "Invalid value type: expected an array, but found a string: `\"x\"`".to_owned()
        )
    );
    for (settings, code, message) in [
        (
            json!({"filterableAttributes": ["a", null]}),
            "invalid_settings_filterable_attributes",
            "Invalid value type at `.filterableAttributes[1]`: expected a string, but found null",
        ),
        (
            json!({"filterableAttributes": [{"attributePatterns": ["a"], "features": {"filter": {"equality": 5}}}]}),
            "invalid_settings_filterable_attributes",
            "Invalid value type at `.filterableAttributes[0].features.filter.equality`: expected a boolean, but \
             found a positive integer: `5`",
        ),
        (
            json!({"filterableAttributes": [{"attributePatterns": ["a"], "features": null}]}),
            "invalid_settings_filterable_attributes",
            "Invalid value type at `.filterableAttributes[0].features`: expected an object, but found null",
        ),
        (
            json!({"synonyms": {"a": null}}),
            "invalid_settings_synonyms",
            "Invalid value type at `.synonyms.a`: expected an array, but found null",
        ),
        (
            json!({"searchCutoffMs": 1.5}),
            "invalid_settings_search_cutoff_ms",
            "Invalid value type at `.searchCutoffMs`: expected a positive integer, but found a number: `1.5`",
        ),
        (
            json!({"facetSearch": "x"}),
            "invalid_settings_facet_search",
            "Invalid value type at `.facetSearch`: expected a boolean, but found a string: `\"x\"`",
        ),
        (
            json!({"embedders": {"a": {"distribution": {"mean": "x"}}}}),
            "invalid_settings_embedders",
            "Invalid value type at `.embedders.a.distribution.mean`: expected a number, but found a string: `\"x\"`",
        ),
        (
            json!({"chat": []}),
            "invalid_settings_index_chat",
            "Invalid value type at `.chat`: expected an object, but found an array: `[]`",
        ),
        (json!(null), "bad_request", "Invalid value type: expected an object, but found null"),
    ] {
        assert_eq!(refusal(&whole(settings)), (code, message.to_owned()));
    }
}

#[test]
fn wrong_value_is_refused_with_the_accepted_ones() {
    for (settings, message) in [
        (
            json!({"proximityPrecision": "byword"}),
            "Unknown value `byword` at `.proximityPrecision`: did you mean `byWord`? expected one of `byWord`, \
             `byAttribute`",
        ),
        (
            json!({"faceting": {"sortFacetValuesBy": {"a": "b"}}}),
            "Unknown value `b` at `.faceting.sortFacetValuesBy.a`: expected one of `alpha`, `count`",
        ),
        (
            json!({"pagination": {"maxTotalHits": 0}}),
            "Invalid value at `.pagination.maxTotalHits`: a non-zero integer value lower than \
             `18446744073709551615` was expected, but found a zero",
        ),
        (
            json!({"typoTolerance": {"minWordSizeForTypos": {"oneTypo": 256}}}),
            "Invalid value at `.typoTolerance.minWordSizeForTypos.oneTypo`: value: `256` is too large to be \
             deserialized, maximum value authorized is `255`",
        ),
        (
            json!({"typoTolerance": {"minWordSizeForTypos": {"oneTypo": 10, "twoTypos": 5}}}),
            "Invalid value at `.typoTolerance.minWordSizeForTypos`: `minWordSizeForTypos` setting is invalid. \
             `oneTypo` and `twoTypos` fields should be between `0` and `255`, and `twoTypos` should be greater or \
             equals to `oneTypo` but found `oneTypo: 10` and twoTypos: 5`.",
        ),
        (
            json!({"localizedAttributes": [{"attributePatterns": ["a"]}]}),
            "Missing field `locales` inside `.localizedAttributes[0]`",
        ),
        (
            json!({"typoTolerance": {"enabld": 1}}),
            "Unknown field `enabld` inside `.typoTolerance`: did you mean `enabled`? expected one of `enabled`, \
             `minWordSizeForTypos`, `disableOnWords`, `disableOnAttributes`, `disableOnNumbers`",
        ),
    ] {
        assert_eq!(refusal(&whole(settings)).1, message);
    }
}

#[test]
fn unknown_keys_are_refused_in_the_order_given() {
    let (code, message) = refusal(&whole(json!({"rankingRule": [], "rankingRules": 5})));
    assert_eq!(code, "bad_request");
    assert!(
        message.starts_with(
            "Unknown field `rankingRule`: did you mean `rankingRules`? expected one of `displayedAttributes`, \
             `searchableAttributes`, `filterableAttributes`, `sortableAttributes`, `foreignKeys`, `rankingRules`"
        ),
        "{message}"
    );
    assert!(message.ends_with("`localizedAttributes`, `facetSearch`, `prefixSearch`, `chat`"), "{message}");
    assert_eq!(refusal(&whole(json!({"rankingRules": 5, "x": 1}))).0, "invalid_settings_ranking_rules");
}

#[test]
fn ranking_rules_are_refused_in_the_words_of_a_server() {
    let reserved = "is a reserved keyword and thus can't be used as a ranking rule";
    for (rule, why) in [
        (
            "worlds",
            "`worlds` ranking rule is invalid. Valid ranking rules are words, typo, sort, proximity, attribute, \
             exactness and custom ranking rules."
                .to_owned(),
        ),
        ("_geo(1,2):asc", format!("`_geo(1,2)` {reserved}")),
        ("_geoDistance:desc", format!("`_geoDistance` {reserved}")),
        (
            "_geoPoint(1,2):asc",
            format!("`_geoPoint` {reserved}. `_geoPoint` can only be used for sorting at search time"),
        ),
        (
            "_geoRadius(1):asc",
            format!("`_geoRadius` {reserved}. `_geoRadius` can only be used for filtering at search time"),
        ),
    ] {
        assert_eq!(refusal(&one(Setting::RankingRules, json!([rule]))).1, format!("Invalid value at `[0]`: {why}"));
    }
    let mixed = refusal(&whole(json!({"rankingRules": ["attribute", "wordPosition"]})));
    assert_eq!(mixed.0, "invalid_settings_ranking_rules");
    assert!(
        mixed.1.starts_with("Mixed usage of the attribute, attributeRank, and wordPosition"),
        "{}",
        mixed.1
    );
}

#[test]
fn reserved_attributes_are_refused_wherever_they_are_named() {
    let own = "_miroir_shard";
    for settings in [
        json!({"displayedAttributes": ["a", own]}),
        json!({"searchableAttributes": [own]}),
        json!({"searchableAttributes": ["_miroir_shard.deep"]}),
        json!({"sortableAttributes": [own]}),
        json!({"filterableAttributes": [own]}),
        json!({"filterableAttributes": [{"attributePatterns": ["a", own]}]}),
        json!({"rankingRules": ["_miroir_shard:asc"]}),
        json!({"distinctAttribute": own}),
        json!({"typoTolerance": {"disableOnAttributes": [own]}}),
        json!({"faceting": {"sortFacetValuesBy": {"_miroir_shard": "count"}}}),
        json!({"localizedAttributes": [{"attributePatterns": [own], "locales": []}]}),
        json!({"foreignKeys": [{"foreignIndexUid": "x", "fieldName": own}]}),
        json!({"nonSeparatorTokens": ["#", "⁘"]}),
        json!({"dictionary": ["J⁝R"]}),
    ] {
        assert_eq!(refusal(&whole(settings.clone())).0, "miroir_reserved_field", "{settings}");
    }
    assert_eq!(
        refusal(&one(Setting::SortableAttributes, json!([own]))).1,
        "`sortableAttributes` must not name the attribute `_miroir_shard`: the attribute is reserved for Miroir"
    );
    assert_eq!(whole(json!({"stopWords": [own], "searchableAttributes": ["_miroir"]})).validate(), Ok(()));
}
