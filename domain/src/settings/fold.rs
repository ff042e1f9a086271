//! Combining several changes of settings into as few requests as possible.

use serde_json::{Map, Value};

use super::{Setting, SettingsAction, SettingsChange, UpdateMethod};

/// Returns changes that have the effect of `base` followed by `changes`, in as few requests as possible,
/// since a node may index all its documents again for each request.
pub fn fold(base: SettingsChange, changes: Vec<SettingsChange>) -> Vec<SettingsChange> {
    let mut folded = vec![base];
    for change in changes {
        let combined = folded.last_mut().is_some_and(|last| put_over(last, &change));
        if !combined {
            folded.push(change);
        }
    }
    folded
}

/// Makes `base` one request that has the effect of `base` followed by `change`. Returns false, and leaves
/// `base` as it is, if that takes two requests.
fn put_over(base: &mut SettingsChange, change: &SettingsChange) -> bool {
    let (SettingsAction::Update(Value::Object(base)), SettingsAction::Update(Value::Object(change))) =
        (&mut base.action, &change.action)
    else {
        return false;
    };
    let is_partial = |key: &str| {
        let setting = Setting::ALL.iter().find(|setting| setting.key() == key);
        setting.is_none_or(|setting| setting.update_method() == UpdateMethod::Patch)
    };
    // One request cannot reset an object and set a part of it.
    if change
        .iter()
        .any(|(key, value)| value.is_object() && is_partial(key) && base.get(key) == Some(&Value::Null))
    {
        return false;
    }
    for (key, value) in change {
        match (base.get_mut(key), value) {
            (Some(Value::Object(known)), Value::Object(part)) if is_partial(key) => merge(known, part),
            _ => drop(base.insert(key.clone(), value.clone())),
        }
    }
    true
}

/// Puts the fields of `part` over those of `known`, objects field by field.
fn merge(known: &mut Map<String, Value>, part: &Map<String, Value>) {
    for (key, value) in part {
        match (known.get_mut(key), value) {
            (Some(Value::Object(known)), Value::Object(part)) => merge(known, part),
            _ => drop(known.insert(key.clone(), value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn folded(changes: &[Value]) -> Vec<Value> {
        let change =
            |value: &Value| SettingsChange { setting: None, action: SettingsAction::Update(value.clone()) };
        let (base, rest) = changes.split_first().unwrap();
        let values = fold(change(base), rest.iter().map(change).collect()).into_iter().map(|change| {
            let SettingsAction::Update(value) = change.action else { panic!("not an update") };
            value
        });
        values.collect()
    }

    #[test]
    fn fold_lets_the_last_change_of_a_setting_win() {
        let changes = [
            json!({ "stopWords": ["a"], "synonyms": { "x": ["y"] } }),
            json!({ "stopWords": ["b"] }),
            json!({ "synonyms": { "z": ["y"] }, "rankingRules": null }),
        ];
        let one = json!({ "stopWords": ["b"], "synonyms": { "z": ["y"] }, "rankingRules": null });
        assert_eq!(folded(&changes), [one]);
    }

    #[test]
    fn fold_merges_settings_that_are_changed_in_parts() {
        let changes = [
            json!({ "typoTolerance": { "enabled": true, "minWordSizeForTypos": { "oneTypo": 5, "twoTypos": 9 } } }),
            json!({ "typoTolerance": { "minWordSizeForTypos": { "oneTypo": 4 } } }),
        ];
        let one = json!({ "typoTolerance": { "enabled": true, "minWordSizeForTypos": { "oneTypo": 4, "twoTypos": 9 } } });
        assert_eq!(folded(&changes), [one]);
    }

    #[test]
    fn fold_keeps_a_reset_and_a_part_set_after_it_apart() {
        let changes = [
            json!({ "pagination": { "maxTotalHits": 5 } }),
            json!({ "pagination": null }),
            json!({ "pagination": { "maxTotalHits": 6 } }),
        ];
        assert_eq!(folded(&changes), [changes[1].clone(), changes[2].clone()]);
    }
}
