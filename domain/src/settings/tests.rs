use proptest::prelude::*;
use serde_json::json;

use serde_json::Value;

use super::setting::KEYS;
use super::*;

fn whole(settings: Value) -> SettingsChange {
    SettingsChange { setting: None, action: SettingsAction::Update(settings) }
}

fn one(setting: Setting, value: Value) -> SettingsChange {
    SettingsChange { setting: Some(setting), action: SettingsAction::Update(value) }
}

fn reset(setting: Option<Setting>) -> SettingsChange {
    SettingsChange { setting, action: SettingsAction::Reset }
}

fn refusal(change: &SettingsChange) -> (&'static str, String) {
    let refusal = change.validate().unwrap_err();
    (refusal.code.as_str(), refusal.message)
}

fn text(change: &SettingsChange) -> String {
    serde_json::to_string(&change.details()).unwrap()
}

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
fn routes_keys_and_codes_follow_from_each_other() {
    assert_eq!(Setting::ALL.len(), 22);
    for setting in Setting::ALL {
        let mut words = setting.route().split('-');
        let mut key = words.next().unwrap().to_owned();
        for word in words {
            key.push_str(&word[..1].to_uppercase());
            key.push_str(&word[1..]);
        }
        assert_eq!(setting.key(), key);
        assert_eq!(Setting::from_route(setting.route()), Some(*setting));
        let code = match setting {
            Setting::Chat => "invalid_settings_index_chat".to_owned(),
            _ => format!("invalid_settings_{}", setting.route().replace('-', "_")),
        };
        assert_eq!(setting.error_code().as_str(), code);
    }
    assert_eq!(Setting::from_route("vector-store"), None);
}

#[test]
fn objects_are_patched_and_all_else_is_put() {
    let patched: Vec<&str> = Setting::ALL
        .iter()
        .filter(|setting| setting.update_method() == UpdateMethod::Patch)
        .map(|setting| setting.route())
        .collect();
    assert_eq!(patched, ["typo-tolerance", "faceting", "pagination", "embedders", "chat"]);
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
fn a_wrong_type_is_told_with_its_place() {
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
fn a_wrong_value_is_told_with_what_is_right() {
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
fn unknown_keys_are_bad_requests_told_in_the_order_given() {
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
        "`sortableAttributes` must not name the attribute `_miroir_shard`: Miroir keeps it for itself"
    );
    assert_eq!(whole(json!({"stopWords": [own], "searchableAttributes": ["_miroir"]})).validate(), Ok(()));
}

#[test]
fn nodes_keep_the_shard_attribute_filterable_whatever_the_client_does() {
    let filterable = Setting::FilterableAttributes;
    let own = json!(["_miroir_shard"]);
    for change in [reset(Some(filterable)), one(filterable, Value::Null), one(filterable, json!([]))] {
        assert_eq!(change.for_nodes(), one(filterable, own.clone()));
        assert_eq!(change.for_nodes(), initial_for_nodes());
    }
    let rule = json!({"attributePatterns": ["*"], "features": {"filter": {"equality": false}}});
    assert_eq!(
        one(filterable, json!([rule, "b"])).for_nodes(),
        one(filterable, json!(["_miroir_shard", rule, "b"])),
        "in front, because the first pattern that fits decides"
    );
    assert_eq!(
        whole(json!({"filterableAttributes": null, "stopWords": ["a"]})).for_nodes(),
        whole(json!({"filterableAttributes": own, "stopWords": ["a"]}))
    );
    for untouched in [
        whole(json!({"stopWords": ["a"]})),
        one(Setting::StopWords, json!(["a"])),
        reset(Some(Setting::StopWords)),
    ] {
        assert_eq!(untouched.for_nodes(), untouched);
    }
}

#[test]
fn a_reset_of_everything_names_every_setting_to_nodes() {
    let SettingsChange { setting: None, action: SettingsAction::Update(Value::Object(settings)) } =
        reset(None).for_nodes()
    else {
        panic!("a whole update is expected");
    };
    assert_eq!(settings.keys().map(String::as_str).collect::<Vec<_>>(), KEYS);
    for (key, value) in settings {
        let expected = if key == "filterableAttributes" { json!(["_miroir_shard"]) } else { Value::Null };
        assert_eq!(value, expected, "{key}");
    }
}

#[test]
fn clients_do_not_see_the_shard_attribute() {
    let of_node = json!({"filterableAttributes": ["_miroir_shard", "a"], "stopWords": []});
    assert_eq!(for_client(None, of_node), json!({"filterableAttributes": ["a"], "stopWords": []}));
    let list = json!(["_miroir_shard", {"attributePatterns": ["b"]}]);
    assert_eq!(
        for_client(Some(Setting::FilterableAttributes), list.clone()),
        json!([{"attributePatterns": ["b"]}])
    );
    assert_eq!(for_client(Some(Setting::StopWords), list.clone()), list);
}

#[test]
fn settings_of_one_node_become_those_of_another_without_cut_keys() {
    let of_node = json!({
        "filterableAttributes": ["a"],
        "distinctAttribute": null,
        "embedders": {"d": {"source": "openAi", "apiKey": "sk-XXX...", "searchEmbedder": {"apiKey": "XXX..."}}}
    });
    assert_eq!(
        as_change(of_node),
        whole(json!({
            "filterableAttributes": ["_miroir_shard", "a"],
            "distinctAttribute": null,
            "embedders": {"d": {"source": "openAi", "searchEmbedder": {}}}
        }))
    );
    assert_eq!(as_change(json!(5)), whole(json!({"filterableAttributes": ["_miroir_shard"]})));
}

#[test]
fn of_details_leaves_embedders_out_and_keeps_the_shard_filterable() {
    let details = json!({"filterableAttributes": ["a"], "embedders": {"d": {"apiKey": "XXX..."}}});
    assert_eq!(
        SettingsChange::of_details(details.as_object().unwrap()),
        Some(whole(json!({"filterableAttributes": ["_miroir_shard", "a"]})))
    );
    for nothing in [json!({}), json!({"embedders": {}})] {
        assert_eq!(SettingsChange::of_details(nothing.as_object().unwrap()), None);
    }
}

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
fn details_never_tell_keys_of_embedders() {
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

/// JSON of any form, with keys and words that settings know.
fn any_json() -> impl Strategy<Value = Value> {
    let words = KEYS.iter().copied().chain([
        "attributePatterns",
        "features",
        "filter",
        "a",
        "_miroir_shard",
        "source",
        "apiKey",
        "oneTypo",
        "twoTypos",
        "minWordSizeForTypos",
        "sortFacetValuesBy",
        "words",
        "a:asc",
        "",
    ]);
    let word = proptest::sample::select(words.collect::<Vec<_>>());
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((word.clone(), inner), 0..4).prop_map(|entries| entries
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    /// Whatever JSON comes, nothing panics; nodes are never told to drop the shard attribute, and what they are told
    /// without it is what the client said.
    #[test]
    fn any_json_is_handled(value in any_json(), index in proptest::option::of(0..22_usize)) {
        let setting = index.map(|index| Setting::ALL[index]);
        let change = SettingsChange { setting, action: SettingsAction::Update(value.clone()) };
        let told = change.for_nodes();
        change.details();
        prop_assert_eq!(told.for_nodes(), told.clone());
        let SettingsAction::Update(sent) = told.action else { panic!("an update stays an update") };
        if change.validate().is_ok() {
            let attributes = if setting.is_none() { sent.get("filterableAttributes") } else { Some(&sent) };
            let concerned = setting.is_none() || setting == Some(Setting::FilterableAttributes);
            if let Some(attributes) = attributes.filter(|_| concerned) {
                prop_assert_eq!(&attributes[0], &json!("_miroir_shard"));
            }
            let null_is_empty = |value: Value| if value.is_null() { json!([]) } else { value };
            if setting == Some(Setting::FilterableAttributes) {
                prop_assert_eq!(for_client(setting, sent), null_is_empty(value));
            }
        }
    }
}

#[test]
fn for_new_index_is_one_change_that_keeps_the_shard_filterable() {
    let change = |setting, action| SettingsChange { setting, action };
    for (given, expected) in [
        (change(None, SettingsAction::Reset), json!({"filterableAttributes": ["_miroir_shard"]})),
        (
            change(None, SettingsAction::Update(json!({"stopWords": ["a"], "filterableAttributes": ["g"]}))),
            json!({"stopWords": ["a"], "filterableAttributes": ["_miroir_shard", "g"]}),
        ),
        (
            change(Some(Setting::StopWords), SettingsAction::Update(json!(["a"]))),
            json!({"stopWords": ["a"], "filterableAttributes": ["_miroir_shard"]}),
        ),
        (
            change(Some(Setting::FilterableAttributes), SettingsAction::Update(json!(["g"]))),
            json!({"filterableAttributes": ["_miroir_shard", "g"]}),
        ),
        (
            change(Some(Setting::StopWords), SettingsAction::Reset),
            json!({"stopWords": null, "filterableAttributes": ["_miroir_shard"]}),
        ),
    ] {
        assert_eq!(given.for_new_index(), change(None, SettingsAction::Update(expected)));
    }
}
