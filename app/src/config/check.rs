//! Checks of a layer: unknown keys, wrong types, numbers out of bounds, text in a wrong format.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use miroir_domain::{InstanceId, NodeId, SinkName};
use serde_json::Value;
use tracing_subscriber::EnvFilter;

use super::problem::excerpt;
use super::{BaseUrl, CanaryDefinition, Kind, Layer, Problem, Shape};

/// Returns all problems of `layer`, in the order of its keys.
pub(super) fn layer_problems(root: &Shape, layer: &Layer) -> Vec<Problem> {
    let mut checker = Checker { root, layer, problems: Vec::new() };
    checker.value(root, "", &layer.values);
    checker.problems
}

struct Checker<'layer> {
    root: &'layer Shape,
    layer: &'layer Layer,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    fn refuse(&mut self, path: &str, message: String) {
        let origin = Some(self.layer.origin.clone());
        self.problems.push(Problem { path: path.to_owned(), origin, message });
    }

    fn value(&mut self, shape: &Shape, path: &str, value: &Value) {
        match (&shape.kind, value) {
            (_, Value::Null) if shape.nullable => {}
            // `nodes:` with every entry commented out is an empty list.
            (Kind::Section(_) | Kind::List(_), Value::Null) | (Kind::Boolean, Value::Bool(_)) => {}
            (Kind::Section(keys), Value::Object(values)) => self.section(keys, path, values),
            (Kind::List(item), Value::Array(values)) => {
                for (position, value) in values.iter().enumerate() {
                    self.value(item, &format!("{path}[{position}]"), value);
                }
            }
            (Kind::Integer { min, max }, Value::Number(number))
                if number.as_u64().is_some_and(|n| n >= *min && max.is_none_or(|max| n <= max)) => {}
            (Kind::Choice(words), Value::String(text)) if words.iter().any(|(word, _)| word == text) => {}
            (Kind::Text { format }, Value::String(text)) => {
                if let Some(message) = format_problem(format.as_deref(), text) {
                    self.refuse(path, message);
                }
            }
            (Kind::Json { format }, Value::Object(_)) => {
                if let Some(message) = json_problem(format, value) {
                    self.refuse(path, message);
                }
            }
            (_, value) => self.refuse(path, mismatch(shape, value)),
        }
    }

    fn section(
        &mut self,
        keys: &BTreeMap<String, Shape>,
        path: &str,
        values: &serde_json::Map<String, Value>,
    ) {
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        for (key, value) in values {
            match keys.get(key) {
                Some(shape) => self.value(shape, &below(key), value),
                None => self.refuse(&below(&excerpt(key)), self.unknown(keys, path, key)),
            }
        }
        for (key, _) in keys.iter().filter(|(key, shape)| shape.required && !values.contains_key(*key)) {
            self.refuse(&below(key), "is missing, and has no default".to_owned());
        }
    }

    /// Returns a hint: the most similar key of the section, else the same key of another section, else all
    /// keys of the section.
    fn unknown(&self, keys: &BTreeMap<String, Shape>, path: &str, key: &str) -> String {
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        let elsewhere = || {
            let leaves = self.root.leaves();
            leaves.into_iter().map(|(path, _)| path).find(|path| path.last().is_some_and(|last| last == key))
        };
        if let Some(near) = nearest(key, keys.keys().map(String::as_str)) {
            format!("unknown key; did you mean `{}`?", below(near))
        } else if let Some(path) = elsewhere() {
            format!("unknown key; did you mean `{}`?", path.join("."))
        } else {
            let keys: Vec<&str> = keys.keys().map(String::as_str).collect();
            format!("unknown key; known here are {}", keys.join(", "))
        }
    }
}

/// The minimum similarity of a misspelled name to the suggested one. 1 is equality; 0 is nothing in common.
const MIN_SIMILARITY: f64 = 0.6;

/// Returns the candidate that is most similar to `name`, if one is similar enough.
pub(super) fn nearest<'name>(name: &str, candidates: impl Iterator<Item = &'name str>) -> Option<&'name str> {
    // The comparison takes quadratic time, so long names are not compared.
    const LONGEST: usize = 100;
    if name.len() > LONGEST {
        return None;
    }
    candidates
        .map(|candidate| (strsim::normalized_damerau_levenshtein(name, candidate), candidate))
        .filter(|(similarity, _)| *similarity >= MIN_SIMILARITY)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

fn mismatch(shape: &Shape, value: &Value) -> String {
    let expected = shape.expectation();
    let found = found(shape, value);
    let hint = match (&shape.kind, value) {
        (Kind::Text { .. }, Value::Number(_) | Value::Bool(_)) => " (put it in quotes)",
        (_, Value::Null) => " (remove the key to use its default)",
        _ => "",
    };
    format!("found {found}, expected {expected}{hint}")
}

/// Describes the value that was found. A secret value is not shown.
fn found(shape: &Shape, value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a section".to_owned(),
        Value::String(_) if shape.holds_secret() => "text".to_owned(),
        _ if shape.holds_secret() => "a value that is not text".to_owned(),
        Value::Bool(value) => format!("`{value}`"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the text `{}`", excerpt(text)),
    }
}

/// Returns the problem of `value`, an object, with the named format, if there is one.
fn json_problem(format: &str, value: &Value) -> Option<String> {
    match format {
        "canary-definition" => CanaryDefinition::try_from(value.clone()).err().map(|error| error.to_string()),
        _ => None,
    }
}

/// Returns the problem of `text` with the named format, if there is one.
fn format_problem(format: Option<&str>, text: &str) -> Option<String> {
    let shown = excerpt(text);
    match format? {
        "socket-address" => text
            .parse::<SocketAddr>()
            .err()
            .map(|_| format!("`{shown}` is not an IP address with a port, such as `127.0.0.1:7700`")),
        "node-url" => text.parse::<BaseUrl>().err().map(|error| format!("`{shown}` {error}")),
        "sink-name" => text.parse::<SinkName>().err().map(|error| error.to_string()),
        "instance-id" => text.parse::<InstanceId>().err().map(|error| error.to_string()),
        "node-id" => text.parse::<NodeId>().err().map(|error| error.to_string()),
        "log-filter" => EnvFilter::try_new(text).err().map(|error| {
            format!("`{shown}` is not a log filter ({error}), such as `info` or `info,miroir=debug`")
        }),
        "key" if text.is_empty() => Some("is empty: remove the key, or give it a value".to_owned()),
        "key" if !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Some("must be printable ASCII without spaces, because it is sent in an HTTP header".to_owned())
        }
        _ => None,
    }
}
