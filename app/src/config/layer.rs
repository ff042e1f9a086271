//! One source's values, and how layers cover each other.

use std::fmt;
use std::path::PathBuf;

use serde_json::Value;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The configuration file.
    File(PathBuf),
    /// An environment variable, by name.
    Environment(String),
    /// A flag of the command line, as written in its help.
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

/// The values of one source: an object that has the keys which the source sets, and no others.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Where they came from.
    pub origin: Origin,
    /// The values.
    pub values: Value,
}

impl Layer {
    /// A layer that sets one key.
    pub(super) fn of_key(origin: Origin, path: &[String], value: Value) -> Self {
        let values = path
            .iter()
            .rev()
            .fold(value, |inner, key| Value::Object(serde_json::Map::from_iter([(key.clone(), inner)])));
        Self { origin, values }
    }
}

/// Puts `upper` over `lower`: objects key by key, everything else (lists too) as a whole.
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
