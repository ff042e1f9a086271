//! The canonical form, the effect of changes, and the rows of committed settings.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::Map;

use super::*;
use crate::{TaskUid, Timestamp};

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn form(value: &Value) -> Value {
    Value::Object(canonical(&object(value)))
}

/// Seals a key as a test can read it.
#[expect(clippy::unnecessary_wraps, reason = "it stands for a sealer, which may have no key")]
fn seal(pointer: &str, key: &str) -> Option<String> {
    Some(format!("{pointer}={key}"))
}

fn sealed(value: &Value) -> SealedSettings {
    SealedSettings::of_change(&whole(value.clone()), seal)
}

fn folded(changes: &[Value]) -> SealedSettings {
    changes.iter().fold(SealedSettings::default(), |base, change| fold(&base, &sealed(change)))
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// The settings of an index that never had any, as a server shows them.
fn shown_defaults() -> Value {
    json!({
        "displayedAttributes": ["*"], "searchableAttributes": ["*"], "filterableAttributes": [],
        "sortableAttributes": [], "stopWords": [], "nonSeparatorTokens": [], "separatorTokens": [], "dictionary": [],
        "rankingRules": ["words", "typo", "proximity", "attributeRank", "sort", "wordPosition", "exactness"],
        "synonyms": {}, "distinctAttribute": null, "proximityPrecision": "byWord",
        "typoTolerance": {
            "enabled": true, "minWordSizeForTypos": { "oneTypo": 5, "twoTypos": 9 }, "disableOnWords": [],
            "disableOnAttributes": [], "disableOnNumbers": false
        },
        "faceting": { "maxValuesPerFacet": 100, "sortFacetValuesBy": { "*": "alpha" } },
        "pagination": { "maxTotalHits": 1000 }, "embedders": {}, "searchCutoffMs": null, "localizedAttributes": null,
        "facetSearch": true, "prefixSearch": "indexingTime"
    })
}

/// The settings that a node shows after `change`.
#[expect(clippy::needless_pass_by_value, reason = "callers pass literals")]
fn shown(change: Value) -> Value {
    let mut shown = shown_defaults();
    for (key, value) in object(&change) {
        shown[key] = value;
    }
    let mut attributes = vec![json!("_miroir_shard")];
    attributes.extend(shown["filterableAttributes"].as_array().unwrap().iter().cloned());
    shown["filterableAttributes"] = attributes.into();
    shown
}

#[test]
fn canonical_form_of_defaults_is_empty() {
    assert_eq!(form(&shown_defaults()), json!({}));
    let nulls: Map<String, Value> =
        Setting::ALL.iter().map(|setting| (setting.key().to_owned(), Value::Null)).collect();
    assert!(canonical(&nulls).is_empty());
    assert_eq!(canonical_of_node(&shown(json!({}))), Map::new());
    assert_eq!(canonical_of_node(&json!(5)), Map::new());
}

#[test]
fn canonical_form_is_one_for_every_spelling() {
    for (one, other) in [
        (json!({"stopWords": ["b", "a", "b"]}), json!({"stopWords": ["a", "b"]})),
        (json!({"displayedAttributes": ["a", "*"]}), json!({})),
        (json!({"searchableAttributes": ["b", "a", "b"]}), json!({"searchableAttributes": ["b", "a"]})),
        (
            json!({"faceting": {"sortFacetValuesBy": {"x": "count", "*": "alpha"}, "maxValuesPerFacet": 100}}),
            json!({"faceting": {"sortFacetValuesBy": {"x": "count"}}}),
        ),
        (
            json!({"typoTolerance": {"enabled": true, "minWordSizeForTypos": {"twoTypos": 9, "oneTypo": 4}}}),
            json!({"typoTolerance": {"minWordSizeForTypos": {"oneTypo": 4, "twoTypos": null}}}),
        ),
        (
            json!({"typoTolerance": {"disableOnWords": ["B", "a"]}}),
            json!({"typoTolerance": {"disableOnWords": ["a", "b"]}}),
        ),
        (
            json!({"filterableAttributes": [{"attributePatterns": ["c_*"]}]}),
            json!({"filterableAttributes": [{
                "features": {"filter": {"comparison": false, "equality": true}, "facetSearch": false},
                "attributePatterns": ["c_*"]
            }]}),
        ),
        (
            json!({"embedders": {"e": {"source": "rest", "url": "u", "request": {"a": null, "b": 1}, "response": {}, "dimensions": null}}}),
            json!({"embedders": {"e": {
                "response": {}, "request": {"b": 1.0, "a": null}, "url": "u", "source": "rest", "headers": {},
                "documentTemplateMaxBytes": 400, "binaryQuantized": false
            }}}),
        ),
        (
            json!({"embedders": {"e": {"apiKey": "XXX..."}}}),
            json!({"embedders": {"e": {"apiKey": "XXX...", "source": "openAi", "model": "text-embedding-3-small"}}}),
        ),
    ] {
        assert_eq!(form(&one), form(&other));
        let hash = |value: &Value| settings_hash(&canonical(&object(value)));
        assert_eq!(hash(&one), hash(&other));
    }
}

#[test]
fn canonical_form_keeps_what_differs() {
    for value in [
        json!({"rankingRules": ["sort", "words"]}),
        json!({"searchableAttributes": []}),
        json!({"synonyms": {"a": ["z", "b"]}}),
        json!({"embedders": {"e": {"source": "rest", "request": [{"x": null}]}}}),
    ] {
        assert_eq!(form(&value), value);
        assert_ne!(settings_hash(&canonical(&object(&value))), settings_hash(&Map::new()));
    }
    assert_eq!(settings_hash(&Map::new()).len(), 32);
}

#[test]
fn fold_lets_the_last_change_of_a_setting_win_and_null_reset() {
    let after = folded(&[
        json!({"stopWords": ["a"], "synonyms": {"x": ["y"]}, "distinctAttribute": "d"}),
        json!({"stopWords": ["b"], "distinctAttribute": null}),
        json!({"synonyms": {"z": ["y"]}}),
    ]);
    assert_eq!(Value::Object(after.settings), json!({"stopWords": ["b"], "synonyms": {"z": ["y"]}}));
    let reset = SealedSettings::of_change(&reset(None), seal);
    assert_eq!(fold(&folded(&[json!({"stopWords": ["a"]})]), &reset), SealedSettings::default());
}

#[test]
fn fold_changes_parts_of_objects_as_a_server_does() {
    let after = folded(&[
        json!({"typoTolerance": {"minWordSizeForTypos": {"oneTypo": 4, "twoTypos": 8}, "enabled": false}}),
        json!({"typoTolerance": {"minWordSizeForTypos": {"oneTypo": null}}}),
        json!({"faceting": {"sortFacetValuesBy": {"a": "count"}, "maxValuesPerFacet": 7}}),
        json!({"faceting": {"sortFacetValuesBy": {"b": "count"}}}),
        json!({"pagination": {"maxTotalHits": 5}}),
        json!({"pagination": null}),
    ]);
    assert_eq!(
        Value::Object(after.settings),
        json!({
            "faceting": {"maxValuesPerFacet": 7, "sortFacetValuesBy": {"b": "count"}},
            "typoTolerance": {"enabled": false, "minWordSizeForTypos": {"twoTypos": 8}}
        })
    );
}

#[test]
fn fold_of_embedders_follows_their_sources() {
    let rest = json!({"embedders": {
        "e": {"source": "rest", "url": "u", "apiKey": "a-key", "request": 1, "response": 2, "documentTemplate": "t",
              "searchFragments": {"a": {"value": 1}, "b": {"value": 2}}},
        "other": {"source": "userProvided", "dimensions": 3}
    }});
    let after = folded(&[
        rest.clone(),
        json!({"embedders": {"e": {"searchFragments": {"a": null, "c": {"value": 3}}}}}),
    ]);
    assert_eq!(
        after.settings["embedders"]["e"]["searchFragments"],
        json!({"b": {"value": 2}, "c": {"value": 3}})
    );
    let after = folded(&[rest.clone(), json!({"embedders": {"e": {"source": "ollama"}, "other": null}})]);
    assert_eq!(
        Value::Object(after.settings),
        json!({"embedders": {"e": {"apiKey": "XXX...", "documentTemplate": "t", "source": "ollama"}}})
    );
    assert_eq!(
        after.secrets,
        BTreeMap::from([("/embedders/e/apiKey".to_owned(), "/embedders/e/apiKey=a-key".to_owned())])
    );
    let after = folded(&[
        rest,
        json!({"embedders": {"e": {"source": "userProvided", "dimensions": 2, "apiKey": null}}}),
    ]);
    assert_eq!(after.settings["embedders"]["e"], json!({"dimensions": 2, "source": "userProvided"}));
    assert!(after.secrets.is_empty(), "a key that is gone is forgotten");
}

#[test]
fn keys_are_cut_wherever_they_are_and_sealed_beside_the_settings() {
    let keys = json!({"embedders": {
        "a/b~c": {"apiKey": "0123456789abcdef"},
        "searchEmbedder": {"apiKey": "short", "searchEmbedder": {"apiKey": "of-search"}, "indexingEmbedder": {"apiKey": "of-index"}},
        "none": {"apiKey": null}, "null": null
    }});
    let change = sealed(&keys);
    assert_eq!(change.settings["embedders"]["a/b~c"]["apiKey"], "01XXXX...");
    let text = serde_json::to_string(&change.settings).unwrap();
    assert!(
        ["0123456789abcdef", "short", "of-search", "of-index"].iter().all(|key| !text.contains(key)),
        "{text}"
    );
    let pointers: Vec<&str> = change.secrets.keys().map(String::as_str).collect();
    assert_eq!(
        pointers,
        [
            "/embedders/a~1b~0c/apiKey",
            "/embedders/searchEmbedder/apiKey",
            "/embedders/searchEmbedder/indexingEmbedder/apiKey",
            "/embedders/searchEmbedder/searchEmbedder/apiKey"
        ]
    );
    assert!(change.missing().is_empty());
    let unsealed = SealedSettings::of_change(&whole(keys), |_, _| None);
    assert_eq!((unsealed.settings.clone(), unsealed.missing().len()), (change.settings, 4));
}

#[test]
fn key_that_cannot_be_sealed_replaces_the_one_before() {
    let base = folded(&[json!({"embedders": {"e": {"apiKey": "first"}}})]);
    let unsealed =
        SealedSettings::of_change(&whole(json!({"embedders": {"e": {"apiKey": "second"}}})), |_, _| None);
    assert_eq!(fold(&base, &unsealed).missing(), ["/embedders/e/apiKey"]);
    let other = fold(&base, &sealed(&json!({"embedders": {"e": {"dimensions": 3}}})));
    assert_eq!(other.secrets, base.secrets);
}

fn proposal(task: u32, change: &Value) -> Proposal {
    Proposal {
        task: TaskUid(task),
        settings_version: u64::from(task),
        change: sealed(change),
        succeeded: false,
    }
}

fn row() -> CommittedSettings {
    CommittedSettings::of_new_index("films".parse().unwrap(), at(1_000))
}

fn words(row: &CommittedSettings) -> Value {
    row.settings.as_ref().unwrap().settings.get("stopWords").cloned().unwrap_or_default()
}

#[test]
fn change_is_committed_by_its_success_alone() {
    let row = row().proposed(proposal(2, &json!({"stopWords": ["a"]})), at(1_001));
    assert_eq!((row.known_version, words(&row)), (2, Value::Null));
    assert_eq!(row.open().collect::<Vec<_>>(), [TaskUid(2)]);
    let succeeded = row.clone().ended(TaskUid(2), true, at(1_002)).unwrap();
    assert_eq!(
        (succeeded.settings_version, words(&succeeded), succeeded.proposals.len()),
        (2, json!(["a"]), 0)
    );
    assert_ne!(succeeded.hash(), row.hash());
    let failed = row.clone().ended(TaskUid(2), false, at(1_002)).unwrap();
    assert_eq!((failed.settings_version, words(&failed), failed.proposals.len()), (1, Value::Null, 0));
    assert_eq!((failed.known_version, failed.hash()), (2, row.hash()));
    assert_eq!(row.ended(TaskUid(3), true, at(1_002)), None);
    assert_eq!(succeeded.ended(TaskUid(2), true, at(1_003)), None);
}

#[test]
fn changes_are_committed_in_the_order_in_which_they_were_proposed() {
    let row = row()
        .proposed(proposal(2, &json!({"stopWords": ["a"]})), at(1_001))
        .proposed(proposal(3, &json!({"stopWords": ["b"]})), at(1_002));
    let row = row.ended(TaskUid(3), true, at(1_003)).unwrap();
    assert_eq!((words(&row), row.settings_version), (Value::Null, 1), "the first has not ended");
    assert_eq!(row.open().collect::<Vec<_>>(), [TaskUid(2)]);
    for succeeded in [true, false] {
        let row = row.clone().ended(TaskUid(2), succeeded, at(1_004)).unwrap();
        assert_eq!((words(&row), row.settings_version, row.proposals.len()), (json!(["b"]), 3, 0));
    }
    let with = |tasks: &[u32]| {
        let taking: BTreeSet<TaskUid> = tasks.iter().copied().map(TaskUid).collect();
        row.with(&taking).unwrap().settings["stopWords"].clone()
    };
    assert_eq!((with(&[]), with(&[2])), (json!(["b"]), json!(["b"])));
}

#[test]
fn row_of_an_older_miroir_is_filled_once_and_keeps_the_keys_that_it_knows() {
    let key = |key: &str| json!({"embedders": {"e": {"source": "rest", "apiKey": key, "request": 1}}});
    let row = CommittedSettings::unknown("films".parse().unwrap(), 4, at(1_000));
    assert_eq!((row.is_complete(4), row.hash(), row.with(&BTreeSet::new())), (false, None, None));
    let row = row
        .proposed(proposal(5, &key("key-of-twenty-characters")), at(1_001))
        .ended(TaskUid(5), true, at(1_002))
        .unwrap();
    assert_eq!(row.settings, None, "the change waits for the settings that it changes");
    let found = shown(json!({"stopWords": ["a"], "embedders": {
        "e": {"source": "rest", "apiKey": "keyXXXXX...", "request": 1}, "f": {"apiKey": "XXX..."}
    }}));
    let row = row.filled(canonical_of_node(&found), 5, at(1_003));
    let settings = row.settings.clone().unwrap();
    assert_eq!((words(&row), settings.missing()), (json!(["a"]), vec!["/embedders/f/apiKey".to_owned()]));
    assert_eq!(settings.secrets["/embedders/e/apiKey"], "/embedders/e/apiKey=key-of-twenty-characters");
    assert!(row.is_complete(5) && !row.is_complete(6));
    // An older Miroir changes more.
    let again = row.filled(canonical_of_node(&found), 6, at(1_004));
    assert_eq!((again.settings, again.settings_version, again.known_version), (Some(settings), 6, 6));
}

#[test]
fn row_stays_behind_after_a_change_that_it_does_not_know() {
    let row = row().proposed(proposal(2, &json!({"stopWords": ["a"]})), at(1_001));
    assert!(row.is_complete(2) && !row.is_complete(3), "an older Miroir has made the third change");
    let row = row.proposed(proposal(4, &json!({"stopWords": ["b"]})), at(1_002));
    assert!(!row.is_complete(4));
    assert!(row.filled(Map::new(), 4, at(1_003)).is_complete(4));
}

#[test]
fn row_refuses_settings_that_cannot_be_read_back() {
    let deep = (0..120).fold(json!(1), |inner, _| json!([inner]));
    let change = json!({"embedders": {"e": {"source": "rest", "request": deep}}});
    assert!(row().proposed(proposal(2, &change), at(1_001)).check().is_err());
    assert_eq!(row().proposed(proposal(2, &json!({"stopWords": ["a"]})), at(1_001)).check(), Ok(()));
}

fn sent(wanted: &Value, found: Option<&Value>) -> Value {
    let change = change_for_node(&canonical(&object(wanted)), &BTreeMap::new(), found).unwrap();
    change.map_or(Value::Null, |change| {
        let SettingsAction::Update(value) = change.action else { panic!("an update is expected") };
        value
    })
}

#[test]
fn node_is_sent_what_differs_and_nothing_else() {
    let wanted = json!({
        "stopWords": ["a"], "filterableAttributes": ["g"], "typoTolerance": {"minWordSizeForTypos": {"oneTypo": 4}}
    });
    assert_eq!(sent(&wanted, Some(&shown(wanted.clone()))), Value::Null);
    assert_eq!(
        sent(&wanted, Some(&shown(json!({"synonyms": {"a": ["b"]}, "filterableAttributes": ["g"]})))),
        json!({
            "stopWords": ["a"], "synonyms": null,
            "typoTolerance": {
                "enabled": null, "minWordSizeForTypos": {"oneTypo": 4}, "disableOnWords": null,
                "disableOnAttributes": null, "disableOnNumbers": null
            }
        })
    );
    assert_eq!(sent(&json!({}), None), json!({"filterableAttributes": ["_miroir_shard"]}));
    assert_eq!(sent(&json!({}), Some(&shown_defaults())), json!({"filterableAttributes": ["_miroir_shard"]}));
}

#[test]
fn node_is_sent_the_fields_of_embedders_that_differ() {
    let wanted = json!({"embedders": {"e": {"source": "rest", "url": "u", "request": 1, "response": 2, "distribution": {"mean": 0.5, "sigma": 1}}}});
    let embedder = |fields: Value| Some(shown(json!({"embedders": {"e": fields}})));
    assert_eq!(
        sent(&wanted, embedder(json!({"source": "rest", "url": "u", "request": 1, "response": 3, "headers": {"a": "b"}, "dimensions": 3})).as_ref()),
        json!({"embedders": {"e": {"response": 2, "distribution": {"mean": 0.5, "sigma": 1}, "headers": null}}})
    );
    assert_eq!(sent(&wanted, embedder(json!({"source": "ollama"})).as_ref()), wanted_sorted(&wanted));
    assert_eq!(
        sent(&json!({}), embedder(json!({"source": "userProvided", "dimensions": 1})).as_ref()),
        json!({"embedders": {"e": null}})
    );
}

fn wanted_sorted(wanted: &Value) -> Value {
    Value::Object(canonical(&object(wanted)))
}

#[test]
fn missing_key_is_left_to_a_node_that_has_it_and_refused_elsewhere() {
    let wanted = json!({"embedders": {
        "e": {"source": "rest", "url": "u", "apiKey": "XXX..."},
        "c": {"source": "composite", "searchEmbedder": {"source": "rest", "apiKey": "XXX..."}}
    }});
    let wanted = canonical(&object(&wanted));
    let with = |own: &str, of_part: &str, source: &str| {
        shown(json!({"embedders": {
            "e": {"source": source, "url": "v", "apiKey": own},
            "c": {"source": "composite", "searchEmbedder": {"source": "rest", "apiKey": of_part}}
        }}))
    };
    let none = BTreeMap::new();
    let change = change_for_node(&wanted, &none, Some(&with("XXX...", "of-part", "rest"))).unwrap().unwrap();
    assert_eq!(change, whole(json!({"embedders": {"e": {"url": "u"}}})));
    let (own, of_part) = ("/embedders/e/apiKey".to_owned(), "/embedders/c/searchEmbedder/apiKey".to_owned());
    let missing = |found: Option<Value>| change_for_node(&wanted, &none, found.as_ref()).unwrap_err();
    assert_eq!(missing(Some(with("abXXXX...", "of-part", "rest"))), std::slice::from_ref(&own));
    assert_eq!(missing(Some(with("XXX...", "of-part", "ollama"))), std::slice::from_ref(&own));
    assert_eq!(missing(Some(with("XXX...", "another-key-of-part", "rest"))), std::slice::from_ref(&of_part));
    assert_eq!(missing(None), [of_part.clone(), own.clone()]);
    let keys = BTreeMap::from([(own, "the-key".to_owned()), (of_part, "of-part".to_owned())]);
    let change = change_for_node(&wanted, &keys, None).unwrap().unwrap();
    let SettingsAction::Update(value) = change.action else { panic!("an update is expected") };
    assert_eq!(value["embedders"]["e"]["apiKey"], "the-key");
    assert_eq!(value["embedders"]["c"]["searchEmbedder"]["apiKey"], "of-part");
}

#[test]
fn unmet_settings_are_those_that_a_node_does_not_show() {
    let wanted = canonical(&object(&json!({
        "stopWords": ["a"], "embedders": {"e": {"source": "rest"}}, "chat": {"description": "d"},
        "localizedAttributes": [{"attributePatterns": ["*"], "locales": ["ja"]}]
    })));
    assert_eq!(unmet_settings(&wanted, &shown(json!({}))), ["stopWords", "embedders"]);
    let met = json!({"stopWords": ["a"], "embedders": {"e": {"source": "rest", "request": 1}}, "synonyms": {"a": ["b"]}});
    assert!(unmet_settings(&wanted, &shown(met)).is_empty());
}

/// Settings and nulls, as clients send them.
fn any_change() -> impl Strategy<Value = Value> {
    let word = || prop::sample::select(vec!["a", "b", "*", "c:asc"]);
    let words = || prop::collection::vec(word(), 0..4).prop_map(|words| json!(words));
    let number = || prop_oneof![Just(Value::Null), (1..12_u32).prop_map(|number| json!(number))];
    let sizes = (number(), number()).prop_map(|(one, two)| json!({"oneTypo": one, "twoTypos": two}));
    let order = prop::option::of(prop::sample::select(vec!["alpha", "count"]));
    let source = prop::sample::select(vec!["rest", "openAi", "userProvided"]);
    let key = prop::option::of(prop::sample::select(vec!["key-1", "key-2"]));
    let embedder = prop_oneof![
        1 => Just(Value::Null),
        4 => (prop::option::of(source), key, number()).prop_map(|(source, key, dimensions)| {
            let mut embedder = json!({"dimensions": dimensions});
            if let Some(source) = source {
                embedder["source"] = json!(source);
            }
            if let Some(key) = key {
                embedder["apiKey"] = json!(key);
            }
            embedder
        }),
    ];
    let value = prop_oneof![
        words().prop_map(|value| ("stopWords", value)),
        words().prop_map(|value| ("searchableAttributes", value)),
        sizes.prop_map(|value| ("typoTolerance", json!({"minWordSizeForTypos": value}))),
        (order, number()).prop_map(|(order, most)| {
            ("faceting", json!({"maxValuesPerFacet": most, "sortFacetValuesBy": order.map(|order| json!({"a": order}))}))
        }),
        prop::sample::select(vec!["stopWords", "typoTolerance", "embedders", "faceting"])
            .prop_map(|key| (key, Value::Null)),
        (prop::sample::select(vec!["e", "f"]), embedder)
            .prop_map(|(name, embedder)| ("embedders", json!({name: embedder}))),
    ];
    prop::collection::vec(value, 0..4).prop_map(|settings| {
        Value::Object(settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    })
}

/// Returns `value` with the keys of its objects in the opposite order.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            fields.iter().rev().map(|(key, value)| (key.clone(), reversed(value))).collect()
        }
        value => value.clone(),
    }
}

proptest! {
    /// The canonical form has one form itself, and does not depend on the order of keys.
    #[test]
    fn canonical_form_is_stable(change in any_change()) {
        let once = form(&change);
        prop_assert_eq!(form(&once), once.clone());
        let other = form(&reversed(&change));
        prop_assert_eq!(serde_json::to_string(&other).unwrap(), serde_json::to_string(&once).unwrap());
    }

    /// A change that is sent twice has the effect of one, and no key is ever in the clear.
    #[test]
    fn fold_is_canonical_and_idempotent(changes in prop::collection::vec(any_change(), 0..6)) {
        let after = folded(&changes);
        prop_assert_eq!(Value::Object(canonical(&after.settings)), Value::Object(after.settings.clone()));
        prop_assert!(after.missing().is_empty(), "{:?}", after);
        prop_assert!(!serde_json::to_string(&after.settings).unwrap().contains("key-"));
        if let Some(last) = changes.last() {
            prop_assert_eq!(fold(&after, &sealed(last)), after);
        }
    }

    /// A row ends with the changes that succeeded, in their order, whatever the order in which they end.
    #[test]
    fn row_commits_what_succeeded_in_order(
        changes in prop::collection::vec((any_change(), any::<bool>()), 0..6),
        seed in any::<u64>(),
    ) {
        let mut row = row();
        for (place, (change, _)) in (2..).zip(&changes) {
            row = row.proposed(proposal(place, change), at(1_001));
        }
        let mut ends: Vec<usize> = (0..changes.len()).collect();
        ends.sort_by_key(|place| seed.rotate_left(u32::try_from(*place * 7).unwrap()));
        for place in ends {
            let task = TaskUid(u32::try_from(place).unwrap() + 2);
            row = row.ended(task, changes[place].1, at(1_002)).unwrap();
        }
        let succeeded: Vec<Value> =
            changes.iter().filter(|(_, succeeded)| *succeeded).map(|(change, _)| change.clone()).collect();
        prop_assert!(row.proposals.is_empty());
        prop_assert_eq!(row.settings, Some(folded(&succeeded)));
    }
}
