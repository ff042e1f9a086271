//! The form of the configuration, derived from the JSON schema of [`super::Config`].

use std::collections::BTreeMap;

use serde_json::Value;

/// The form of one key.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// The documentation of the key.
    pub description: String,
    /// The default value. `None` for a section, or if the key must be set.
    pub default: Option<Value>,
    /// True if the value may be null.
    pub nullable: bool,
    /// True if the value must not be shown.
    pub secret: bool,
    /// True if the key must be set in its section.
    pub required: bool,
    /// The form of its value.
    pub kind: Kind,
}

/// The form of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Keys and their shapes.
    Section(BTreeMap<String, Shape>),
    /// Any number of values of one shape.
    List(Box<Shape>),
    /// A whole number within bounds.
    Integer {
        /// Smallest accepted.
        min: u64,
        /// Largest accepted.
        max: Option<u64>,
    },
    /// `true` or `false`.
    Boolean,
    /// Text, perhaps of a named format.
    Text {
        /// The name of the format, see `check::format_problem`.
        format: Option<String>,
    },
    /// An object that is checked as a whole.
    Json {
        /// The name of the format, see `check::json_problem`.
        format: String,
    },
    /// One of these words, each with its documentation.
    Choice(Vec<(String, String)>),
}

impl Shape {
    /// Returns the shape of the whole configuration.
    pub fn of_config() -> Self {
        Self::from_schema(super::schema::json_schema().as_value())
    }

    /// Reads the part of JSON schema that schemars writes for the types of [`super::Config`]. Other
    /// constructs become text, which serde checks later.
    fn from_schema(schema: &Value) -> Self {
        let (core, nullable) = without_null(schema);
        Self {
            description: text(&schema["description"]),
            default: schema.get("default").cloned(),
            nullable,
            secret: core["writeOnly"] == Value::Bool(true),
            required: false,
            kind: kind(core),
        }
    }

    /// Returns whether it is or contains a secret. An invalid value of such a key may be a misplaced secret.
    pub fn holds_secret(&self) -> bool {
        match &self.kind {
            Kind::Section(keys) => keys.values().any(Self::holds_secret),
            Kind::List(item) => item.holds_secret(),
            _ => self.secret,
        }
    }

    /// Returns the keys of a section. Other kinds have no keys.
    pub fn keys(&self) -> impl Iterator<Item = (&String, &Shape)> {
        let section = match &self.kind {
            Kind::Section(keys) => Some(keys),
            _ => None,
        };
        section.into_iter().flatten()
    }

    /// Returns all keys that are not sections, with their paths.
    pub fn leaves(&self) -> Vec<(Vec<String>, &Shape)> {
        let mut leaves = Vec::new();
        for (key, shape) in self.keys() {
            if matches!(shape.kind, Kind::Section(_)) {
                leaves.extend(shape.leaves().into_iter().map(|(mut path, leaf)| {
                    path.insert(0, key.clone());
                    (path, leaf)
                }));
            } else {
                leaves.push((vec![key.clone()], shape));
            }
        }
        leaves
    }

    /// Returns the expected value, to complete the sentence "expected …".
    pub fn expectation(&self) -> String {
        match &self.kind {
            Kind::Section(_) => "a section with keys of its own".to_owned(),
            Kind::List(item) if matches!(item.kind, Kind::Section(_)) => "a list of sections".to_owned(),
            Kind::List(item) if matches!(item.kind, Kind::Json { .. }) => {
                format!("a list; each entry {}", item.expectation())
            }
            Kind::List(_) => "a list".to_owned(),
            Kind::Json { format } if format == "canary-definition" => "the definition of a canary".to_owned(),
            Kind::Json { .. } => "an object".to_owned(),
            Kind::Integer { min, max: Some(max) } => format!("a whole number from {min} to {max}"),
            Kind::Integer { min, max: None } => format!("a whole number, at least {min}"),
            Kind::Boolean => "true or false".to_owned(),
            Kind::Text { .. } => "text".to_owned(),
            Kind::Choice(words) => {
                let words: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
                format!("one of {}", words.join(", "))
            }
        }
    }
}

/// Returns the schema of a value that is not null, and whether null is allowed. schemars writes an `Option`
/// as `type: [T, null]` or as `anyOf: [T, {type: null}]`.
fn without_null(schema: &Value) -> (&Value, bool) {
    let null = serde_json::json!({ "type": "null" });
    if let Some([core, other]) = schema["anyOf"].as_array().map(Vec::as_slice)
        && *other == null
    {
        return (core, true);
    }
    let nullable =
        schema["type"].as_array().is_some_and(|types| types.iter().any(|one| *one == null["type"]));
    (schema, nullable)
}

fn kind(schema: &Value) -> Kind {
    if let Some(variants) = schema["oneOf"].as_array() {
        let word = |variant: &Value| (text(&variant["const"]), text(&variant["description"]));
        return Kind::Choice(variants.iter().map(word).collect());
    }
    let name = match &schema["type"] {
        Value::Array(types) => types.first().and_then(Value::as_str),
        name => name.as_str(),
    };
    match name {
        Some("object") if schema["format"].is_string() => Kind::Json { format: text(&schema["format"]) },
        Some("object") => Kind::Section(section(schema)),
        Some("array") => Kind::List(Box::new(Shape::from_schema(&schema["items"]))),
        Some("boolean") => Kind::Boolean,
        Some("integer") => Kind::Integer {
            min: schema["minimum"].as_u64().unwrap_or(0),
            max: schema["maximum"].as_u64().or_else(|| bound_of(&schema["format"])),
        },
        _ => Kind::Text { format: schema["format"].as_str().map(str::to_owned) },
    }
}

fn section(schema: &Value) -> BTreeMap<String, Shape> {
    let required = |key: &str| {
        schema["required"].as_array().is_some_and(|keys| keys.iter().any(|required| required == key))
    };
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties
        .map(|(key, property)| {
            (key.clone(), Shape { required: required(key), ..Shape::from_schema(property) })
        })
        .collect()
}

/// Returns the maximum of a Rust type that JSON schema names as a format.
fn bound_of(format: &Value) -> Option<u64> {
    (format == "uint32").then_some(u64::from(u32::MAX))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
