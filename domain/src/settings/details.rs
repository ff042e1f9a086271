//! The `details` of a settings task: the change as a server prints it. Keys and sets are sorted, defaults of
//! filterable patterns are filled in, and the keys of embedders are cut.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::shape::{FILTERABLE_RULE, Field, Presence, Shape, WORD_SIZES};
use super::{Setting, SettingsAction, SettingsChange};
use crate::wording::excerpt;

impl SettingsChange {
    /// Returns the change that the `details` of a settings task describe, as nodes are sent it. Returns
    /// `None` if they describe no change.
    ///
    /// Details never hold the API keys of embedders, and embedders cannot be set right without them, so the
    /// change leaves embedders as they are.
    pub fn of_details(details: &Map<String, Value>) -> Option<Self> {
        let mut settings = details.clone();
        settings.remove(Setting::Embedders.key());
        if settings.is_empty() {
            return None;
        }
        let change = Self { setting: None, action: SettingsAction::Update(Value::Object(settings)) };
        Some(change.for_nodes())
    }

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
    touched.into_iter().map(|(setting, value)| (setting.key().to_owned(), shown(setting, value))).collect()
}

fn shown(setting: Setting, value: &Value) -> Value {
    let is_wildcard = matches!(setting, Setting::DisplayedAttributes | Setting::SearchableAttributes);
    if is_wildcard && value.is_null() {
        return json!(["*"]);
    }
    let mut value = ordered(setting.shape(), value);
    if setting == Setting::Embedders {
        cut_api_keys(&mut value);
    }
    value
}

/// Returns `value` in the order of its shape. A value that does not fit the shape stays as it is.
fn ordered(shape: &Shape, value: &Value) -> Value {
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

fn cut_api_keys(embedders: &mut Value) {
    for embedder in embedders.as_object_mut().into_iter().flat_map(Map::values_mut) {
        cut_api_key(embedder);
        for part in ["searchEmbedder", "indexingEmbedder"] {
            if let Some(part) = embedder.get_mut(part) {
                cut_api_key(part);
            }
        }
    }
}

/// Keeps at most five characters of a key, as a server does; of a longer key more characters are safe to
/// show.
fn cut_api_key(embedder: &mut Value) {
    let Some(Value::String(key)) = embedder.get_mut("apiKey") else { return };
    let (kept, mark) = match key.len() {
        0..10 => (0, "XXX..."),
        10..20 => (2, "XXXX..."),
        20..30 => (3, "XXXXX..."),
        _ => (5, "XXXXXX..."),
    };
    *key = excerpt(&*key, kept) + mark;
}
