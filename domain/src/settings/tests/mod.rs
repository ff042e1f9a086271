//! Settings as their callers see them.

mod committed;
mod details;
mod nodes;
mod validate;

use serde_json::{Value, json};

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
fn only_objects_are_patched() {
    let patched: Vec<&str> = Setting::ALL
        .iter()
        .filter(|setting| setting.update_method() == UpdateMethod::Patch)
        .map(|setting| setting.route())
        .collect();
    assert_eq!(patched, ["typo-tolerance", "faceting", "pagination", "embedders", "chat"]);
}
