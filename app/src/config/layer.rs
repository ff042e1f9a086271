//! The values of one source, and the merge of layers.

use std::fmt;
use std::path::PathBuf;

use serde_json::Value;

/// The source of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The configuration file.
    File(PathBuf),
    /// The environment variable with this name.
    Environment(String),
    /// A flag of the command line, such as `--address`.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(formatter, "in {}", path.display()),
            Self::Environment(name) => write!(formatter, "from the environment variable {name}"),
            Self::Flag(name) => write!(formatter, "from the flag {name}"),
        }
    }
}

/// The values of one source: an object with the keys that the source sets.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// The source.
    pub origin: Origin,
    /// The values.
    pub values: Value,
}

impl Layer {
    /// Returns a layer that sets one key.
    pub(super) fn of_key(origin: Origin, path: &[String], value: Value) -> Self {
        let values = path
            .iter()
            .rev()
            .fold(value, |inner, key| Value::Object(serde_json::Map::from_iter([(key.clone(), inner)])));
        Self { origin, values }
    }
}

/// Merges `upper` into `lower`. Objects are merged by key; all other values, including lists, are replaced.
pub(super) fn merge(lower: &mut Value, upper: Value) {
    match (lower, upper) {
        (Value::Object(lower), Value::Object(upper)) => {
            for (key, value) in upper {
                merge(lower.entry(key).or_insert(Value::Null), value);
            }
        }
        (lower, upper) => *lower = upper,
    }
}
