//! Settings between clients and nodes: the shard attribute is filterable on every node, and clients do not
//! see it.

use serde_json::{Map, Value, json};

use super::{Setting, SettingsAction, SettingsChange};
use crate::document::{SHARD_FIELD, is_reserved};

pub(super) const FILTERABLE: &str = "filterableAttributes";

impl SettingsChange {
    /// Returns the change as nodes are sent it: filterable attributes always contain the shard attribute,
    /// also after a reset.
    #[must_use]
    pub fn for_nodes(&self) -> Self {
        with_shard_filterable(self)
    }

    /// Returns the change as nodes are sent it when it creates the index: one request that also makes the
    /// shard attribute filterable, whatever the change is about.
    #[must_use]
    pub fn for_new_index(&self) -> Self {
        with_shard_for_new_index(self)
    }
}

/// Returns `change` with the shard attribute among the filterable ones, if it changes them.
fn with_shard_filterable(change: &SettingsChange) -> SettingsChange {
    let action = match (change.setting, &change.action) {
        (None, SettingsAction::Reset) => SettingsAction::Update(Value::Object(everything_reset())),
        (None, SettingsAction::Update(Value::Object(settings))) => {
            let mut settings = settings.clone();
            if let Some(attributes) = settings.get_mut(FILTERABLE) {
                *attributes = shard_first(attributes);
            }
            SettingsAction::Update(Value::Object(settings))
        }
        (Some(Setting::FilterableAttributes), SettingsAction::Reset) => {
            SettingsAction::Update(shard_first(&Value::Null))
        }
        (Some(Setting::FilterableAttributes), SettingsAction::Update(attributes)) => {
            SettingsAction::Update(shard_first(attributes))
        }
        (_, action) => action.clone(),
    };
    SettingsChange { setting: change.setting, action }
}

/// Returns `change` as one change of the whole object that also prepares a fresh index. A node that refuses
/// it is left without the index instead of with an incomplete one.
fn with_shard_for_new_index(change: &SettingsChange) -> SettingsChange {
    let mut settings = match (change.setting, &change.action) {
        (None, SettingsAction::Reset) => Map::new(),
        // These are not settings at all: the node refuses them.
        (None, SettingsAction::Update(value)) if !value.is_object() => return change.clone(),
        _ => change.as_whole(),
    };
    let attributes = shard_first(settings.get(FILTERABLE).unwrap_or(&Value::Null));
    settings.insert(FILTERABLE.to_owned(), attributes);
    SettingsChange { setting: None, action: SettingsAction::Update(Value::Object(settings)) }
}

/// Returns a reset of everything, setting by setting: a plain reset would drop the shard attribute for a
/// moment, and every search would fail meanwhile.
fn everything_reset() -> Map<String, Value> {
    let value = |setting: &Setting| match setting {
        Setting::FilterableAttributes => shard_first(&Value::Null),
        _ => Value::Null,
    };
    Setting::ALL.iter().map(|setting| (setting.key().to_owned(), value(setting))).collect()
}

/// Returns a list of filterable attributes with the shard attribute in front. The first pattern that fits an
/// attribute decides its features, so after a client's `*` it might not be filterable. Null is the empty
/// list; other JSON stays as it is, for the node to refuse.
pub(super) fn shard_first(attributes: &Value) -> Value {
    let clients = match attributes {
        Value::Null => &[][..],
        Value::Array(items) => items,
        _ => return attributes.clone(),
    };
    let shard = json!(SHARD_FIELD);
    let others = clients.iter().filter(|item| **item != shard).cloned();
    Value::Array(std::iter::once(shard.clone()).chain(others).collect())
}

/// Returns whether an index with these settings was prepared by Miroir: its shard attribute is filterable.
pub fn is_filterable_by_shard(settings: &Value) -> bool {
    let attributes = settings.get(FILTERABLE).and_then(Value::as_array);
    attributes.is_some_and(|attributes| attributes.iter().any(|attribute| attribute == SHARD_FIELD))
}

/// Returns the change that prepares a fresh index on a node: the shard attribute is filterable.
pub fn initial_for_nodes() -> SettingsChange {
    SettingsChange {
        setting: Some(Setting::FilterableAttributes),
        action: SettingsAction::Update(shard_first(&Value::Null)),
    }
}

/// Returns settings read from a node as clients see them: without reserved attributes.
pub fn for_client(setting: Option<Setting>, mut value: Value) -> Value {
    match setting {
        None => {
            if let Some(attributes) = value.get_mut(FILTERABLE) {
                remove_reserved(attributes);
            }
        }
        Some(Setting::FilterableAttributes) => remove_reserved(&mut value),
        Some(_) => {}
    }
    value
}

fn remove_reserved(attributes: &mut Value) {
    if let Value::Array(items) = attributes {
        items.retain(|item| !item.as_str().is_some_and(is_reserved));
    }
}
