//! The change that gives a node the committed settings of an index.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::canonical::canonical_of_node;
use super::nodes::{FILTERABLE, shard_first};
use super::secret::{replace_at, secret_pointers, text_at};
use super::shape::Shape;
use super::{Setting, SettingsAction, SettingsChange, UpdateMethod};
use crate::document::SHARD_FIELD;

/// The settings whose values a server may show in another spelling than it was sent, in a way that the
/// canonical form does not undo: it normalizes words, and names locales by other codes.
const RESPELLED: [Setting; 2] = [Setting::TypoTolerance, Setting::LocalizedAttributes];

/// Settings that a node shows only with an experimental feature.
const HIDDEN: [Setting; 2] = [Setting::Chat, Setting::ForeignKeys];

/// A field that a server may fill in from the others. It is not reset for being there.
const COMPUTED: &str = "dimensions";

/// Returns the change that gives a node the settings `wanted`, in canonical form, as nodes are sent it.
/// Returns `None` if the node shows them already. `keys` has the keys of embedders by their pointers, and
/// `found` are the settings that the node shows, if it has the index. A key that is missing is left as it is
/// where the node shows the same part of it.
///
/// # Errors
///
/// Returns the pointers of the missing keys that the node does not have either.
pub fn change_for_node(
    wanted: &Map<String, Value>,
    keys: &BTreeMap<String, String>,
    found: Option<&Value>,
) -> Result<Option<SettingsChange>, Vec<String>> {
    let shown = found.map(canonical_of_node).unwrap_or_default();
    let mut change = Map::new();
    for setting in Setting::ALL {
        let key = setting.key();
        let (wanted, shown) = (wanted.get(key), shown.get(key));
        let value = match setting {
            Setting::Embedders => continue,
            Setting::FilterableAttributes => {
                let is_first = found.is_some_and(|found| found[FILTERABLE][0] == json!(SHARD_FIELD));
                (wanted != shown || !is_first).then(|| shard_first(wanted.unwrap_or(&Value::Null)))
            }
            _ if wanted == shown => None,
            _ => Some(complete(*setting, wanted)),
        };
        change.extend(value.map(|value| (key.to_owned(), value)));
    }
    let embedders = Setting::Embedders.key();
    let sent = embedders_for_node(wanted, keys, &shown)?;
    if !sent.is_empty() {
        change.insert(embedders.to_owned(), Value::Object(sent));
    }
    let is_needed = !change.is_empty();
    let action = SettingsAction::Update(Value::Object(change));
    Ok(is_needed.then_some(SettingsChange { setting: None, action }))
}

/// Returns the settings of `wanted`, in canonical form, that a node does not show though it was sent them.
pub fn unmet_settings(wanted: &Map<String, Value>, found: &Value) -> Vec<&'static str> {
    let shown = canonical_of_node(found);
    let names = |settings: &Map<String, Value>| {
        let embedders = settings.get(Setting::Embedders.key()).and_then(Value::as_object);
        embedders.map(|embedders| embedders.keys().cloned().collect::<Vec<_>>()).unwrap_or_default()
    };
    let is_unmet = |setting: &&Setting| match setting {
        Setting::Embedders => names(wanted) != names(&shown),
        setting if RESPELLED.contains(setting) || HIDDEN.contains(setting) => false,
        // Where nothing is wanted, a server may have a default that is not known here.
        setting => wanted.get(setting.key()).is_some_and(|value| shown.get(setting.key()) != Some(value)),
    };
    Setting::ALL.iter().filter(is_unmet).map(|setting| setting.key()).collect()
}

/// Returns the value that sets a setting as a whole. A server changes only the parts of an object that it is
/// sent, so the others are reset by null.
fn complete(setting: Setting, wanted: Option<&Value>) -> Value {
    match (wanted, setting.update_method()) {
        (Some(value), UpdateMethod::Patch) => with_resets(setting.shape(), value),
        (Some(value), UpdateMethod::Put) => value.clone(),
        (None, _) => Value::Null,
    }
}

fn with_resets(shape: &Shape, value: &Value) -> Value {
    let (Shape::Object(fields), Value::Object(parts)) = (shape, value) else { return value.clone() };
    let field = |field: &super::shape::Field| {
        let value = parts.get(field.name).map_or(Value::Null, |part| with_resets(field.shape, part));
        (field.name.to_owned(), value)
    };
    Value::Object(fields.iter().map(field).collect())
}

fn embedders_for_node(
    wanted: &Map<String, Value>,
    keys: &BTreeMap<String, String>,
    shown: &Map<String, Value>,
) -> Result<Map<String, Value>, Vec<String>> {
    let key = Setting::Embedders.key();
    let mut with_keys = wanted.clone();
    let mut missing = Vec::new();
    for pointer in secret_pointers(wanted) {
        match keys.get(&pointer) {
            Some(secret) => replace_at(&mut with_keys, &pointer, secret.clone()),
            None if has_key(shown, wanted, &pointer) => {}
            None => missing.push(pointer),
        }
    }
    if !missing.is_empty() {
        return Err(missing);
    }
    let empty = Map::new();
    let wanted = with_keys.get(key).and_then(Value::as_object).unwrap_or(&empty);
    let shown = shown.get(key).and_then(Value::as_object).unwrap_or(&empty);
    let mut sent = Map::new();
    for (name, embedder) in wanted {
        let difference = match (embedder, shown.get(name)) {
            (Value::Object(embedder), Some(Value::Object(shown))) => difference(embedder, shown),
            _ => Some(embedder.clone()),
        };
        sent.extend(difference.map(|difference| (name.clone(), difference)));
    }
    let extra = shown.keys().filter(|name| !wanted.contains_key(*name));
    sent.extend(extra.map(|name| (name.clone(), Value::Null)));
    Ok(sent)
}

/// Returns whether a node that shows `shown` has the key at `pointer`, as far as it shows it, and keeps it
/// though it is sent the rest of `wanted`: what is equal is not sent.
fn has_key(shown: &Map<String, Value>, wanted: &Map<String, Value>, pointer: &str) -> bool {
    let names: Vec<String> =
        pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~")).collect();
    let embedder = |settings: &Map<String, Value>| settings.get(&names[0])?.get(&names[1]).cloned();
    let (Some(shown_embedder), Some(wanted_embedder)) = (embedder(shown), embedder(wanted)) else {
        return false;
    };
    let is_kept = match names.as_slice() {
        // The part of a composite embedder is sent as a whole.
        [_, _, part, _] => shown_embedder.get(part) == wanted_embedder.get(part),
        _ => shown_embedder.get("source") == wanted_embedder.get("source"),
    };
    is_kept && text_at(shown, pointer) == text_at(wanted, pointer)
}

/// Returns the fields that make an embedder, as it is shown, the wanted one. Returns `None` if it is that
/// already. Equal fields are left out: a server may make all vectors again for a field that it is sent.
fn difference(wanted: &Map<String, Value>, shown: &Map<String, Value>) -> Option<Value> {
    if wanted.get("source") != shown.get("source") {
        return Some(Value::Object(wanted.clone()));
    }
    let mut fields: Map<String, Value> = wanted
        .iter()
        .filter(|(key, value)| shown.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let extra = shown.keys().filter(|key| !wanted.contains_key(*key) && *key != COMPUTED);
    fields.extend(extra.map(|key| (key.clone(), Value::Null)));
    (!fields.is_empty()).then_some(Value::Object(fields))
}
