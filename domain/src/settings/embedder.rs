//! Embedders among settings: their defaults by source, and the effect of a change.
//!
//! The rules are those of `EmbeddingSettings` and `SettingsDiff` in `milli/src/vector/settings.rs` of
//! Meilisearch 1.50.

use serde_json::{Map, Value, json};

use super::default::without;
use super::secret::PARTS;

/// The template of documents where none was set.
pub(super) const TEMPLATE: &str = "{% for field in fields %}{% if field.is_searchable and field.value != nil %}\
                                   {{ field.name }}: {{ field.value }}\n{% endif %}{% endfor %}";
/// The bytes of a document where no other limit was set.
pub(super) const TEMPLATE_BYTES: u32 = 400;

const SOURCE: &str = "source";
const FIRST_SOURCE: &str = "openAi";
/// The fields that an embedder keeps when its source changes, if the new source has them.
const KEPT: [&str; 3] = ["apiKey", "distribution", "binaryQuantized"];
const TEMPLATES: [&str; 2] = ["documentTemplate", "documentTemplateMaxBytes"];

fn source_of(embedder: &Map<String, Value>) -> &str {
    embedder.get(SOURCE).and_then(Value::as_str).unwrap_or(FIRST_SOURCE)
}

/// Returns the fields that a server fills in for an embedder.
fn defaults(source: &str) -> Value {
    let mut defaults = json!({
        "binaryQuantized": false, "documentTemplate": TEMPLATE, "documentTemplateMaxBytes": TEMPLATE_BYTES,
    });
    let of_source = match source {
        FIRST_SOURCE => json!({ SOURCE: FIRST_SOURCE, "model": "text-embedding-3-small" }),
        "huggingFace" => json!({
            "model": "BAAI/bge-base-en-v1.5", "revision": "617ca489d9e86b49b8167676d8220688b99db36e",
            "pooling": "useModel",
        }),
        "ollama" => json!({ "model": "nomic-embed-text" }),
        "rest" => json!({ "headers": {} }),
        _ => json!({}),
    };
    if let (Value::Object(defaults), Value::Object(of_source)) = (&mut defaults, of_source) {
        defaults.extend(of_source);
    }
    defaults
}

/// Returns embedders without the fields that have their default. Returns `None` if there are no embedders.
pub(super) fn without_defaults(embedders: Value) -> Option<Value> {
    let Value::Object(embedders) = embedders else { return Some(embedders) };
    let embedders: Map<String, Value> =
        embedders.into_iter().map(|(name, embedder)| (name, embedder_without_defaults(embedder))).collect();
    (!embedders.is_empty()).then_some(Value::Object(embedders))
}

fn embedder_without_defaults(embedder: Value) -> Value {
    let Value::Object(mut fields) = embedder else { return embedder };
    for part in parts_of(&fields).collect::<Vec<_>>() {
        if let Some(value) = fields.get_mut(part) {
            *value = embedder_without_defaults(value.take());
        }
    }
    let defaults = defaults(source_of(&fields));
    without(Value::Object(fields), &defaults).unwrap_or_else(|| json!({}))
}

/// Returns embedders after a change. `known` are those before it.
pub(super) fn changed(known: Option<&Value>, change: &Value) -> Value {
    let mut embedders = object(known);
    for (name, change) in change.as_object().into_iter().flatten() {
        match change {
            Value::Object(change) => {
                let changed = embedder_changed(object(embedders.get(name)), change);
                embedders.insert(name.clone(), Value::Object(changed));
            }
            _ => drop(embedders.shift_remove(name)),
        }
    }
    Value::Object(embedders)
}

fn embedder_changed(mut known: Map<String, Value>, change: &Map<String, Value>) -> Map<String, Value> {
    let source = change.get(SOURCE).map(|source| source.as_str().unwrap_or(FIRST_SOURCE));
    if let Some(source) = source.filter(|source| *source != source_of(&known)) {
        let has_template = !matches!(source, "userProvided" | "composite");
        known.retain(|key, _| {
            KEPT.contains(&key.as_str()) || (has_template && TEMPLATES.contains(&key.as_str()))
        });
    }
    for (key, value) in change {
        match (key.as_str(), value) {
            (_, Value::Null) => drop(known.shift_remove(key)),
            ("indexingEmbedder", Value::Object(part)) if known.get(key).is_some_and(Value::is_object) => {
                let changed = embedder_changed(object(known.get(key)), part);
                known.insert(key.clone(), Value::Object(changed));
            }
            ("indexingFragments" | "searchFragments", Value::Object(fragments)) => {
                let mut all = object(known.get(key));
                for (name, fragment) in fragments {
                    if fragment.is_null() {
                        all.shift_remove(name);
                    } else {
                        all.insert(name.clone(), fragment.clone());
                    }
                }
                known.insert(key.clone(), Value::Object(all));
            }
            _ => drop(known.insert(key.clone(), value.clone())),
        }
    }
    known
}

fn object(value: Option<&Value>) -> Map<String, Value> {
    value.and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Returns the parts of a composite embedder that `fields` has.
fn parts_of(fields: &Map<String, Value>) -> impl Iterator<Item = &'static str> {
    PARTS.into_iter().filter(|part| fields.get(*part).is_some_and(Value::is_object))
}
