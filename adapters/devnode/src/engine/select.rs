//! The selection of a document's attributes.

use serde_json::{Map, Value};

use crate::document::Document;

/// Returns the attributes in `fields`, whose dots reach into objects. Returns all attributes if `fields` is
/// `None`.
pub(crate) fn select(document: &Document, fields: Option<&[String]>) -> Map<String, Value> {
    select_where(document, |path| fields.is_none_or(|fields| fields.iter().any(|field| field == path)))
}

/// Returns the attributes whose path is wanted. An object keeps its wanted parts.
pub(crate) fn select_where(document: &Document, wanted: impl Fn(&str) -> bool) -> Map<String, Value> {
    let mut selected = Map::new();
    for (name, value) in document.iter() {
        if let Some(value) = part(name, value, &wanted) {
            selected.insert(name.to_owned(), value);
        }
    }
    selected
}

fn part(path: &str, value: &Value, wanted: &impl Fn(&str) -> bool) -> Option<Value> {
    if wanted(path) {
        return Some(value.clone());
    }
    match value {
        Value::Object(map) => {
            let parts = map.iter().filter_map(|(key, inner)| {
                part(&format!("{path}.{key}"), inner, wanted).map(|inner| (key.clone(), inner))
            });
            let parts: Map<String, Value> = parts.collect();
            (!parts.is_empty()).then_some(Value::Object(parts))
        }
        Value::Array(items) => {
            let parts: Vec<Value> = items
                .iter()
                .filter(|item| item.is_object())
                .filter_map(|item| part(path, item, wanted))
                .collect();
            (!parts.is_empty()).then_some(Value::Array(parts))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn select_reaches_into_objects() {
        let document: Document =
            serde_json::from_str(r#"{"a":1,"o":{"x":1,"y":2},"l":[{"z":1},{"w":2}]}"#).unwrap();
        let fields = ["a", "o.x", "l.z"].map(str::to_owned);
        let selected = Value::Object(select(&document, Some(&fields)));
        assert_eq!(selected, json!({ "a": 1, "o": { "x": 1 }, "l": [{ "z": 1 }] }));
        assert_eq!(Value::Object(select(&document, Some(&[]))), json!({}));
    }
}
