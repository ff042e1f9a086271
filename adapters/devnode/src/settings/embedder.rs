//! Embedders among settings: changes, the fields that a server fills in, and keys that it does not show.
//!
//! They are kept and shown, and not used: vectors are not made.

use serde_json::{Map, Value, json};

/// The fields that stay when the source of an embedder changes.
const KEPT: [&str; 5] =
    ["apiKey", "distribution", "binaryQuantized", "documentTemplate", "documentTemplateMaxBytes"];

/// Applies a change to embedders. Null removes an embedder, or resets one of its fields.
pub(super) fn apply(known: Value, change: &Map<String, Value>, template: &Value) -> Value {
    let mut embedders = object(known);
    for (name, change) in change {
        let Value::Object(change) = change else {
            embedders.shift_remove(name);
            continue;
        };
        let mut embedder = object(embedders.get(name).cloned().unwrap_or_default());
        let is_source = |source: &&Value| Some(*source) != embedder.get("source");
        if change.get("source").as_ref().is_some_and(is_source) {
            let has_template = !matches!(change["source"].as_str(), Some("userProvided" | "composite"));
            embedder.retain(|key, _| {
                KEPT.contains(&key.as_str()) && (has_template || !key.starts_with("documentTemplate"))
            });
        }
        embedder.extend(change.clone());
        embedder.retain(|_, value| !value.is_null());
        embedders.insert(name.clone(), Value::Object(filled_in(embedder, template)));
    }
    Value::Object(embedders)
}

fn filled_in(mut embedder: Map<String, Value>, template: &Value) -> Map<String, Value> {
    let source = embedder.get("source").and_then(Value::as_str).unwrap_or("openAi").to_owned();
    let mut defaults = vec![("source", json!(source))];
    defaults.extend(match source.as_str() {
        "openAi" => Some(("model", json!("text-embedding-3-small"))),
        "ollama" => Some(("model", json!("nomic-embed-text"))),
        "rest" => Some(("headers", json!({}))),
        _ => None,
    });
    if !["userProvided", "composite"].contains(&source.as_str()) {
        defaults.push(("documentTemplate", template.clone()));
        defaults.push(("documentTemplateMaxBytes", json!(400)));
    }
    for (key, value) in defaults {
        embedder.entry(key).or_insert(value);
    }
    embedder
}

/// Cuts the keys of embedders, as a server does wherever it shows settings.
pub(super) fn hide_keys(embedders: &mut Value) {
    for embedder in embedders.as_object_mut().into_iter().flat_map(Map::values_mut) {
        let Some(Value::String(key)) = embedder.get_mut("apiKey") else { continue };
        let (kept, mark) = match key.len() {
            0..10 => (0, "XXX..."),
            10..20 => (2, "XXXX..."),
            20..30 => (3, "XXXXX..."),
            _ => (5, "XXXXXX..."),
        };
        *key = key.chars().take(kept).collect::<String>() + mark;
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
