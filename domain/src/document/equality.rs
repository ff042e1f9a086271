//! The equality of documents that two nodes show.

use serde_json::{Map, Number, Value};

use super::PrimaryKey;
use super::id::DocumentId;

/// The attribute of vectors.
const VECTORS: &str = "_vectors";

/// The distance of two numbers, in steps of their type, up to which they are one number that two nodes have
/// read from a text: a node does not read every text to the nearest number.
const STEPS: u64 = 4;

/// Returns whether two documents, as nodes show them, are equal: with the same attributes and values, in any
/// order of attributes. Vectors that a node makes by itself may differ.
pub fn same_document(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    one.len() == other.len()
        && one.iter().all(|(name, value)| {
            other.get(name).is_some_and(|found| match (name.as_str(), value, found) {
                (VECTORS, Value::Object(one), Value::Object(other)) => same_vectors(one, other),
                _ => same(value, found),
            })
        })
}

/// Returns the id of a document that a node shows.
pub fn shown_id(document: &Map<String, Value>, key: &PrimaryKey) -> Option<DocumentId> {
    let id = document.get(key.as_str()).or_else(|| nested(document, key.as_str()))?;
    DocumentId::from_json(id).ok()
}

/// Returns the value at a path such as `a.b`.
fn nested<'a>(document: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let (first, rest) = path.split_once('.')?;
    let inner = document.get(first)?.as_object()?;
    inner.get(rest).or_else(|| nested(inner, rest))
}

fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || is_close(one, other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|found| same(value, found)))
        }
        _ => one == other,
    }
}

/// Returns whether both are floating-point numbers that lie next to each other.
fn is_close(one: &Number, other: &Number) -> bool {
    let both = one.is_f64() && other.is_f64();
    let (Some(one), Some(other), true) = (one.as_f64(), other.as_f64(), both) else { return false };
    one.is_sign_negative() == other.is_sign_negative() && one.to_bits().abs_diff(other.to_bits()) <= STEPS
}

/// Returns whether two documents have vectors for the same embedders. Those that a node may make anew are
/// its own: it shows them only.
fn same_vectors(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    let is_regenerated = |value: &Value| value.get("regenerate") == Some(&Value::Bool(true));
    one.len() == other.len()
        && one.iter().all(|(embedder, value)| {
            other
                .get(embedder)
                .is_some_and(|found| (is_regenerated(value) && is_regenerated(found)) || same(value, found))
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn are_same(one: &Value, other: &Value) -> bool {
        same_document(one.as_object().unwrap(), other.as_object().unwrap())
    }

    #[test]
    fn documents_are_equal_in_any_order_of_their_attributes() {
        let one = json!({"id": 1, "a": {"x": 1, "y": [null, "t"]}});
        assert!(are_same(&one, &json!({"a": {"y": [null, "t"], "x": 1}, "id": 1})));
        for other in [
            json!({"id": 1, "a": {"x": 1, "y": ["t", null]}}),
            json!({"id": 1, "a": {"x": 1}}),
            json!({"id": 1, "a": {"x": 1, "y": [null, "t"]}, "b": null}),
            json!({"id": "1", "a": {"x": 1, "y": [null, "t"]}}),
        ] {
            assert!(!are_same(&one, &other) && !are_same(&other, &one), "{other}");
        }
    }

    #[test]
    fn numbers_are_equal_if_they_are_spelled_alike_or_are_neighbors() {
        let of = |number: Value| json!({ "n": number });
        assert!(are_same(&of(json!(0.1)), &of(json!(0.100_000_000_000_000_02))));
        assert!(are_same(&of(json!(u64::MAX)), &of(json!(u64::MAX))));
        assert!(!are_same(&of(json!(u64::MAX)), &of(json!(u64::MAX - 1))));
        assert!(!are_same(&of(json!(1)), &of(json!(1.0))));
        assert!(!are_same(&of(json!(1.0)), &of(json!(-1.0))));
        assert!(!are_same(&of(json!(0.1)), &of(json!(0.2))));
    }

    #[test]
    fn vectors_are_equal_if_they_are_the_clients_and_equal_or_both_made_by_nodes() {
        let of = |vectors: Value, regenerate: bool| json!({"_vectors": {"e": {"embeddings": vectors, "regenerate": regenerate}}});
        assert!(are_same(&of(json!([[0.5]]), true), &of(json!([[0.25]]), true)));
        assert!(are_same(&of(json!([[0.5]]), false), &of(json!([[0.5]]), false)));
        assert!(!are_same(&of(json!([[0.5]]), false), &of(json!([[0.25]]), false)));
        assert!(!are_same(&of(json!([[0.5]]), true), &of(json!([[0.5]]), false)));
        assert!(!are_same(&of(json!([[0.5]]), true), &json!({"_vectors": {}})));
    }

    #[test]
    fn id_is_found_at_the_end_of_its_path() {
        let key = |name: &str| PrimaryKey::parse(name).unwrap();
        let document = json!({"id": 7, "a": {"b": {"c": "x"}}, "d.e": 1});
        let of = |name: &str| shown_id(document.as_object().unwrap(), &key(name)).map(|id| id.to_string());
        assert_eq!(of("id").as_deref(), Some("7"));
        assert_eq!(of("a.b.c").as_deref(), Some("x"));
        assert_eq!(of("d.e").as_deref(), Some("1"));
        assert_eq!((of("a.x"), of("none")), (None, None));
    }
}
