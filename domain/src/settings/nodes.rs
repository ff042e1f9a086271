//! Between clients and nodes: the shard attribute is filterable on every node, and no client sees it.

use serde_json::{Map, Value, json};

use super::{Setting, SettingsAction, SettingsChange};
use crate::document::{SHARD_FIELD, is_reserved};

const FILTERABLE: &str = "filterableAttributes";

impl SettingsChange {
    /// The change as nodes are told it: filterable attributes keep the shard attribute whatever the client sets,
    /// also through a reset.
    #[must_use]
    pub fn for_nodes(&self) -> Self {
        with_shard_filterable(self)
    }

    /// The change as nodes are told it when it is what creates the index: one request that also makes the shard
    /// attribute filterable, whatever the change is about.
    #[must_use]
    pub fn for_new_index(&self) -> Self {
        with_shard_for_new_index(self)
    }
}

/// `change` with the shard attribute among the filterable ones wherever it touches them.
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

/// `change` as one change of the whole object that also makes a fresh index usable: when a node refuses it, the node
/// has no half-made index.
fn with_shard_for_new_index(change: &SettingsChange) -> SettingsChange {
    let mut settings = match (change.setting, &change.action) {
        (None, SettingsAction::Reset) => Map::new(),
        (None, SettingsAction::Update(Value::Object(settings))) => settings.clone(),
        // No settings at all: for the node to refuse.
        (None, SettingsAction::Update(_)) => return change.clone(),
        (Some(setting), SettingsAction::Update(value)) => {
            Map::from_iter([(setting.key().to_owned(), value.clone())])
        }
        (Some(setting), SettingsAction::Reset) => Map::from_iter([(setting.key().to_owned(), Value::Null)]),
    };
    let attributes = shard_first(settings.get(FILTERABLE).unwrap_or(&Value::Null));
    settings.insert(FILTERABLE.to_owned(), attributes);
    SettingsChange { setting: None, action: SettingsAction::Update(Value::Object(settings)) }
}

/// A reset of everything, said setting by setting: a plain reset would drop the shard attribute for a moment, and
/// every search with it.
fn everything_reset() -> Map<String, Value> {
    let value = |setting: &Setting| match setting {
        Setting::FilterableAttributes => shard_first(&Value::Null),
        _ => Value::Null,
    };
    Setting::ALL.iter().map(|setting| (setting.key().to_owned(), value(setting))).collect()
}

/// A list of filterable attributes with the shard attribute in front: the first pattern that fits an attribute
/// decides its features, so behind a client's `*` it might not be filterable after all. Null is the empty list;
/// other JSON stays as it is, for the node to refuse.
fn shard_first(attributes: &Value) -> Value {
    let clients = match attributes {
        Value::Null => &[][..],
        Value::Array(items) => items,
        _ => return attributes.clone(),
    };
    let shard = json!(SHARD_FIELD);
    let others = clients.iter().filter(|item| **item != shard).cloned();
    Value::Array(std::iter::once(shard.clone()).chain(others).collect())
}

/// The change that makes a fresh index on a node usable by Miroir: the shard attribute is filterable.
pub fn initial_for_nodes() -> SettingsChange {
    SettingsChange {
        setting: Some(Setting::FilterableAttributes),
        action: SettingsAction::Update(shard_first(&Value::Null)),
    }
}

/// Settings read from a node as a client may see them: without reserved attributes.
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

/// The whole settings object read from a node, as the change that gives another node the same settings. Keys of
/// embedders are left out, because a node only shows them cut: the other node keeps those it has.
pub fn as_change(settings_of_node: Value) -> SettingsChange {
    let mut settings = match settings_of_node {
        Value::Object(settings) => settings,
        _ => Map::new(),
    };
    let attributes = shard_first(settings.get(FILTERABLE).unwrap_or(&Value::Null));
    settings.insert(FILTERABLE.to_owned(), attributes);
    if let Some(embedders) = settings.get_mut(Setting::Embedders.key()) {
        remove_api_keys(embedders);
    }
    SettingsChange { setting: None, action: SettingsAction::Update(Value::Object(settings)) }
}

fn remove_api_keys(embedders: &mut Value) {
    for embedder in embedders.as_object_mut().into_iter().flat_map(Map::values_mut) {
        let Value::Object(embedder) = embedder else { continue };
        embedder.shift_remove("apiKey");
        for part in ["searchEmbedder", "indexingEmbedder"] {
            if let Some(Value::Object(part)) = embedder.get_mut(part) {
                part.shift_remove("apiKey");
            }
        }
    }
}
