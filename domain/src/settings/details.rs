//! The `details` of a settings task: the change as a server prints it. Keys and sets are sorted, defaults of
//! filterable patterns are filled in, and the keys of embedders are cut.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::secret::take_secrets;
use super::shape::{FILTERABLE_RULE, Field, Presence, Shape, WORD_SIZES};
use super::{Setting, SettingsAction, SettingsChange};

impl SettingsChange {
    /// Returns the `details` of the settings task, as a single server reports them.
    pub fn details(&self) -> Map<String, Value> {
        details_of(self)
    }
}

fn details_of(change: &SettingsChange) -> Map<String, Value> {
    let touched: Vec<(Setting, &Value)> = match (change.setting, &change.action) {
        (Some(setting), SettingsAction::Update(value)) => vec![(setting, value)],
        (Some(setting), SettingsAction::Reset) => vec![(setting, &Value::Null)],
        (None, SettingsAction::Update(settings)) => {
            let given = |setting: &Setting| Some((*setting, settings.get(setting.key())?));
            Setting::ALL.iter().filter_map(given).collect()
        }
        (None, SettingsAction::Reset) => {
            Setting::ALL.iter().map(|setting| (*setting, &Value::Null)).collect()
        }
    };
    let mut details: Map<String, Value> = touched
        .into_iter()
        .map(|(setting, value)| (setting.key().to_owned(), shown(setting, value)))
        .collect();
    take_secrets(&mut details);
    details
}

fn shown(setting: Setting, value: &Value) -> Value {
    let is_wildcard = matches!(setting, Setting::DisplayedAttributes | Setting::SearchableAttributes);
    if is_wildcard && value.is_null() {
        return json!(["*"]);
    }
    ordered(setting.shape(), value)
}

/// Returns `value` in the order of its shape. A value that does not fit the shape stays as it is.
pub(super) fn ordered(shape: &Shape, value: &Value) -> Value {
    match (shape, value) {
        (Shape::WordSet, Value::Array(items)) => {
            let words: Option<BTreeSet<&str>> = items.iter().map(Value::as_str).collect();
            words.map_or_else(|| value.clone(), |words| json!(words))
        }
        (Shape::List(item), Value::Array(items)) => items.iter().map(|value| ordered(item, value)).collect(),
        (Shape::FilterableRule, Value::Object(_)) => ordered(&FILTERABLE_RULE, value),
        (Shape::WordSizes, Value::Object(_)) => ordered(&WORD_SIZES, value),
        (Shape::Map { value: shape, .. }, Value::Object(entries)) => {
            let sorted: BTreeMap<&String, &Value> = entries.iter().collect();
            let entry = |(key, value): (&String, &Value)| (key.clone(), ordered(shape, value));
            sorted.into_iter().map(entry).collect()
        }
        (Shape::Object(fields), Value::Object(entries)) => {
            fields.iter().filter_map(|field| entry_of(field, entries)).collect()
        }
        _ => value.clone(),
    }
}

fn entry_of(field: &Field, entries: &Map<String, Value>) -> Option<(String, Value)> {
    let value = match (entries.get(field.name), field.presence) {
        (Some(value), _) => ordered(field.shape, value),
        (None, Presence::Default(value)) => value(),
        (None, _) => return None,
    };
    Some((field.name.to_owned(), value))
}
