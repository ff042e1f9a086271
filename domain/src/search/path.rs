//! Attributes by dotted path, as Meilisearch resolves them: `a.b` is a key `a.b`, a key `b` inside the object
//! `a`, or a key `b` of every object in the array `a`.

use serde_json::{Map, Value};

/// Calls `visit` with every value that `path` names in `document`.
pub(crate) fn visit<'a>(
    document: &'a Map<String, Value>,
    path: &str,
    visit_value: &mut dyn FnMut(&'a Value),
) {
    if let Some(value) = document.get(path) {
        visit_value(value);
    }
    for (dot, _) in path.match_indices('.') {
        let (root, rest) = (&path[..dot], &path[dot + 1..]);
        match document.get(root) {
            Some(Value::Object(inner)) => visit(inner, rest, visit_value),
            Some(Value::Array(items)) => {
                for inner in items.iter().filter_map(Value::as_object) {
                    visit(inner, rest, visit_value);
                }
            }
            _ => {}
        }
    }
}

/// Calls `visit` with every value that `path` names in `document`, and with the items in place of an array.
pub(super) fn visit_items<'a>(
    document: &'a Map<String, Value>,
    path: &str,
    visit_item: &mut dyn FnMut(&'a Value),
) {
    visit(document, path, &mut |value| match value {
        Value::Array(items) => items.iter().for_each(&mut *visit_item),
        single => visit_item(single),
    });
}

/// Removes every value that `path` names in `document`, and the objects and arrays this leaves empty.
pub(super) fn remove(document: &mut Map<String, Value>, path: &str) {
    document.shift_remove(path);
    for (dot, _) in path.match_indices('.') {
        let (root, rest) = (&path[..dot], &path[dot + 1..]);
        let emptied = match document.get_mut(root) {
            Some(Value::Object(inner)) => {
                remove(inner, rest);
                inner.is_empty()
            }
            Some(Value::Array(items)) => {
                for inner in items.iter_mut().filter_map(Value::as_object_mut) {
                    remove(inner, rest);
                }
                items.iter().all(|item| item.as_object().is_some_and(Map::is_empty))
            }
            _ => false,
        };
        if emptied {
            document.shift_remove(root);
        }
    }
}

/// Returns whether a request for `requested` includes `path`: the same attribute, or one that contains it.
pub(super) fn covers(requested: &str, path: &str) -> bool {
    path.strip_prefix(requested).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(document: &Value, path: &str) -> Vec<Value> {
        let mut values = Vec::new();
        visit(document.as_object().unwrap(), path, &mut |value| values.push(value.clone()));
        values
    }

    #[test]
    fn visit_finds_plain_nested_and_repeated_values() {
        let document = json!({"a": {"b": {"c": 1}, "b.c": 2}, "a.b": {"c": 3}, "l": [{"x": 4}, 5, {"x": 6}]});
        assert_eq!(found(&document, "a.b.c"), [json!(2), json!(1), json!(3)]);
        assert_eq!(found(&document, "l.x"), [json!(4), json!(6)]);
        assert_eq!(found(&document, "nothing.here"), Vec::<Value>::new());
    }

    #[test]
    fn remove_drops_emptied_parents_and_keeps_the_order_of_the_rest() {
        let mut document =
            json!({"z": 1, "a": {"b": 2}, "m": {"b": 1, "c": 2}, "l": [{"b": 1}, {"b": 2}], "y": 3});
        let map = document.as_object_mut().unwrap();
        for path in ["a.b", "m.b", "l.b", "z.q", "absent"] {
            remove(map, path);
        }
        assert_eq!(serde_json::to_string(&document).unwrap(), r#"{"z":1,"m":{"c":2},"y":3}"#);
    }

    #[test]
    fn covers_matches_an_attribute_and_its_members() {
        assert!(covers("a", "a") && covers("a", "a.b") && covers("a.b", "a.b.c"));
        assert!(!covers("a", "ab") && !covers("a.b", "a") && !covers("", "a"));
    }
}
