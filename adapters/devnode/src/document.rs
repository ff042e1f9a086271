//! A document as the server keeps it, with its attributes in written order.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// Attributes and values in written order, by which attributes are ranked if all are searchable.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Document(Vec<(String, Value)>);

impl Document {
    /// Returns the value of a top-level attribute.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Returns the value at `name`, whose dots may reach into objects.
    pub(crate) fn get_nested(&self, name: &str) -> Option<&Value> {
        if let Some(value) = self.get(name) {
            return Some(value);
        }
        let mut parts = name.split('.');
        let first = self.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    }

    /// Returns every value at an attribute path, through arrays of objects on the way. The values themselves
    /// are not flattened.
    pub(crate) fn values_at(&self, path: &str) -> Vec<&Value> {
        let mut found = Vec::new();
        for (name, value) in self.iter() {
            walk(name, value, path, &mut found);
        }
        found
    }

    /// Returns every scalar at an attribute path, also those in arrays.
    pub(crate) fn scalars_at(&self, path: &str) -> Vec<&Value> {
        let mut found = Vec::new();
        for value in self.values_at(path) {
            open_arrays(value, &mut found);
        }
        found
    }

    /// Returns the attributes in written order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Sets an attribute, in place if it exists, at the end otherwise.
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        match self.0.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Replaces attributes by those of `newer`: Meilisearch's partial update, on the top level.
    pub(crate) fn merge(&mut self, newer: Document) {
        for (key, value) in newer.0 {
            self.set(&key, value);
        }
    }

    /// Returns every attribute path with the scalar values below it: arrays are flattened, and objects become
    /// dotted paths. The path of an object or array itself is listed too, without a value, so that its
    /// existence can be checked.
    pub(crate) fn flattened(&self) -> Vec<(String, Vec<&Value>)> {
        let mut found = Vec::new();
        for (name, value) in self.iter() {
            flatten(name, value, &mut found);
        }
        found
    }
}

fn walk<'v>(name: &str, value: &'v Value, path: &str, found: &mut Vec<&'v Value>) {
    let Some(rest) = path.strip_prefix(name) else { return };
    if rest.is_empty() {
        found.push(value);
    } else if let Some(rest) = rest.strip_prefix('.') {
        descend(value, rest, found);
    }
}

fn descend<'v>(value: &'v Value, path: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| walk(key, inner, path, found)),
        Value::Array(items) => items.iter().for_each(|item| descend(item, path, found)),
        _ => {}
    }
}

fn open_arrays<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| open_arrays(item, found)),
        Value::Object(_) => {}
        scalar => found.push(scalar),
    }
}

fn slot<'v, 'f>(path: &str, found: &'f mut Vec<(String, Vec<&'v Value>)>) -> &'f mut Vec<&'v Value> {
    let index = found.iter().position(|(key, _)| key == path).unwrap_or_else(|| {
        found.push((path.to_owned(), Vec::new()));
        found.len() - 1
    });
    &mut found[index].1
}

fn flatten<'v>(path: &str, value: &'v Value, found: &mut Vec<(String, Vec<&'v Value>)>) {
    slot(path, found);
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                flatten(&format!("{path}.{key}"), inner, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                flatten(path, item, found);
            }
        }
        scalar => slot(path, found).push(scalar),
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in self.iter() {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Attributes;
        impl<'de> Visitor<'de> for Attributes {
            type Value = Document;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a map")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
                let mut document = Document::default();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    document.set(&key, value);
                }
                Ok(document)
            }
        }
        deserializer.deserialize_map(Attributes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn attributes_keep_their_written_order() {
        let text = r#"{"z":1,"a":[{"b":2},{"b":3}],"m":{"x":{"y":null}}}"#;
        assert_eq!(serde_json::to_string(&document(text)).unwrap(), text);
    }

    #[test]
    fn flattened_walks_arrays_and_objects() {
        let document = document(r#"{"z":1,"a":[{"b":2},{"b":3}],"m":{"x":{"y":null}}}"#);
        let paths: Vec<(String, usize)> =
            document.flattened().into_iter().map(|(path, values)| (path, values.len())).collect();
        let expected = [("z", 1), ("a", 0), ("a.b", 2), ("m", 0), ("m.x", 0), ("m.x.y", 1)];
        assert_eq!(paths, expected.map(|(path, count)| (path.to_owned(), count)));
    }
}
