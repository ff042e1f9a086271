//! The effect of a change on the settings of an index, as a server carries it out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::secret::{secret_pointers, take_secrets, text_at};
use super::{Setting, SettingsAction, SettingsChange, canonical, embedder};

/// Settings, or a change of them, in a form that may be stored: keys of embedders are cut, and their sealed
/// texts are beside them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SealedSettings {
    /// The settings. Those of an index are in canonical form. In a change, null resets a setting.
    pub settings: Map<String, Value>,
    /// The sealed keys by the JSON pointers of their places. A key without an entry here is missing.
    pub secrets: BTreeMap<String, String>,
}

impl SealedSettings {
    /// Creates the form of `change`. Each key is sealed by `seal`, which gets its pointer and the key, and
    /// returns `None` if keys cannot be sealed.
    pub fn of_change(change: &SettingsChange, seal: impl Fn(&str, &str) -> Option<String>) -> Self {
        let mut settings = change.as_whole();
        let taken = take_secrets(&mut settings);
        let sealed = taken.into_iter().filter_map(|(pointer, key)| {
            let sealed = seal(&pointer, &key)?;
            Some((pointer, sealed))
        });
        Self { settings, secrets: sealed.collect() }
    }

    /// Returns the pointers of the keys that are missing.
    pub fn missing(&self) -> Vec<String> {
        let mut pointers = secret_pointers(&self.settings);
        pointers.retain(|pointer| !self.secrets.contains_key(pointer));
        pointers
    }

    /// Adds the sealed keys of `former` that are missing here, where both show the same part of the key.
    #[must_use]
    pub fn with_secrets_of(mut self, former: &Self) -> Self {
        for pointer in self.missing() {
            let shown = text_at(&self.settings, &pointer);
            let sealed =
                former.secrets.get(&pointer).filter(|_| text_at(&former.settings, &pointer) == shown);
            if let Some(sealed) = sealed.cloned() {
                self.secrets.insert(pointer, sealed);
            }
        }
        self
    }
}

impl SettingsChange {
    /// Returns the change as one of the whole object, in which null resets a setting.
    pub fn as_whole(&self) -> Map<String, Value> {
        match (self.setting, &self.action) {
            (None, SettingsAction::Update(Value::Object(settings))) => settings.clone(),
            // These are not settings at all: nodes refuse them.
            (None, SettingsAction::Update(_)) => Map::new(),
            (None, SettingsAction::Reset) => {
                Setting::ALL.iter().map(|setting| (setting.key().to_owned(), Value::Null)).collect()
            }
            (Some(setting), SettingsAction::Update(value)) => {
                Map::from_iter([(setting.key().to_owned(), value.clone())])
            }
            (Some(setting), SettingsAction::Reset) => {
                Map::from_iter([(setting.key().to_owned(), Value::Null)])
            }
        }
    }
}

/// Returns the settings of an index after `change`, in canonical form. `base` are those before it.
pub fn fold(base: &SealedSettings, change: &SealedSettings) -> SealedSettings {
    let mut all = base.settings.clone();
    for (key, value) in &change.settings {
        let Some(setting) = Setting::from_key(key) else { continue };
        match changed(setting, base.settings.get(key), value) {
            Value::Null => drop(all.shift_remove(key)),
            value => drop(all.insert(key.clone(), value)),
        }
    }
    let settings = canonical(&all);
    let sealed = secret_pointers(&settings).into_iter().filter_map(|pointer| {
        // A key that is sent again replaces the one before, even if it could not be sealed.
        let from = if text_at(&change.settings, &pointer).is_some() { change } else { base };
        let sealed = from.secrets.get(&pointer)?.clone();
        Some((pointer, sealed))
    });
    SealedSettings { secrets: sealed.collect(), settings }
}

/// Returns the value of a setting after a change to `value`. `known` is the value before it.
fn changed(setting: Setting, known: Option<&Value>, value: &Value) -> Value {
    match (setting, value) {
        (_, Value::Null) => Value::Null,
        (Setting::Embedders, value) => embedder::changed(known, value),
        (
            Setting::TypoTolerance | Setting::Faceting | Setting::Pagination | Setting::Chat,
            Value::Object(parts),
        ) => Value::Object(merged(known, parts)),
        (_, value) => value.clone(),
    }
}

/// Returns the fields of `known` with those of `parts` over them.
fn merged(known: Option<&Value>, parts: &Map<String, Value>) -> Map<String, Value> {
    let mut fields = known.and_then(Value::as_object).cloned().unwrap_or_default();
    for (key, value) in parts {
        match (key.as_str(), value) {
            (_, Value::Null) => drop(fields.shift_remove(key)),
            // Other objects, such as the orders of facets, are replaced as a whole.
            ("minWordSizeForTypos" | "searchParameters", Value::Object(inner)) => {
                let inner = merged(fields.get(key), inner);
                fields.insert(key.clone(), Value::Object(inner));
            }
            _ => drop(fields.insert(key.clone(), value.clone())),
        }
    }
    fields
}
