//! Changes as nodes are sent them, and settings as clients see them.

use proptest::prelude::*;

use super::*;

#[test]
fn for_nodes_always_keeps_the_shard_attribute_filterable() {
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
fn for_nodes_resets_every_setting_by_name() {
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
fn for_client_hides_the_shard_attribute() {
    let of_node = json!({"filterableAttributes": ["_miroir_shard", "a"], "stopWords": []});
    assert_eq!(for_client(None, of_node), json!({"filterableAttributes": ["a"], "stopWords": []}));
    let list = json!(["_miroir_shard", {"attributePatterns": ["b"]}]);
    assert_eq!(
        for_client(Some(Setting::FilterableAttributes), list.clone()),
        json!([{"attributePatterns": ["b"]}])
    );
    assert_eq!(for_client(Some(Setting::StopWords), list.clone()), list);
}

/// Any JSON, with keys and words that settings know.
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
    let word = proptest::sample::select(words.map(str::to_owned).collect::<Vec<_>>());
    crate::json::fixture::any_json(word.clone(), word)
}

proptest! {
    /// Any JSON is handled without a panic. Nodes always keep the shard attribute, and without it they are
    /// sent exactly the client's settings.
    #[test]
    fn any_json_is_handled(value in any_json(), index in proptest::option::of(0..22_usize)) {
        let setting = index.map(|index| Setting::ALL[index]);
        let change = SettingsChange { setting, action: SettingsAction::Update(value.clone()) };
        let for_nodes = change.for_nodes();
        change.details();
        prop_assert_eq!(for_nodes.for_nodes(), for_nodes.clone());
        let SettingsAction::Update(sent) = for_nodes.action else { panic!("an update stays an update") };
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
