//! The configuration file: YAML of a limited size.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use serde_json::{Map, Value};
use serde_norway::Value as Yaml;

use super::{Layer, Origin, Problem};

/// The file that is read by default, if it exists.
pub const DEFAULT_FILE: &str = "miroir.yaml";

/// The maximum size of a file. A thousand nodes need a tenth of it.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// The maximum nesting of brackets. A list of nodes needs two levels.
const MAX_DEPTH: usize = 64;

/// Reads the file at `path`.
pub(super) fn file_layer(path: &Path) -> Result<Layer, Problem> {
    let origin = Origin::File(path.to_owned());
    let refuse = |message: String| Problem {
        path: String::new(),
        origin: None,
        message: format!("the configuration file {}: {message}", path.display()),
    };
    let text = read(path).map_err(refuse)?;
    match parse_yaml(&text).map_err(refuse)? {
        Value::Null => Ok(Layer { origin, values: Value::Object(Map::new()) }),
        values @ Value::Object(_) => Ok(Layer { origin, values }),
        _ => Err(refuse(
            "must contain keys and values, such as `server:` with `address: 127.0.0.1:7700` below".into(),
        )),
    }
}

fn read(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => "does not exist".to_owned(),
        ErrorKind::IsADirectory => "is a directory: name a YAML file".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    // The limit applies while reading, because a device or a pipe has no length.
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("is larger than {MAX_FILE_BYTES} bytes"));
    }
    if let Some(position) = bytes.iter().position(|byte| *byte == 0) {
        return Err(format!("is not text: byte {position} is NUL"));
    }
    String::from_utf8(bytes)
        .map_err(|error| format!("is not text: byte {} is not valid UTF-8", error.utf8_error().valid_up_to()))
}

/// Parses YAML, which includes JSON, into the data model of JSON.
pub(super) fn parse_yaml(text: &str) -> Result<Value, String> {
    if let Some(line) = too_deep(text) {
        return Err(format!(
            "is not valid YAML for a configuration: line {line} nests brackets beyond {MAX_DEPTH} levels"
        ));
    }
    // The parser's message can repeat tabs and control characters of the file.
    let yaml: Yaml = serde_norway::from_str(text)
        .map_err(|error| format!("is not valid YAML: {}", excerpt_long(&error)))?;
    json(yaml)
}

/// Returns the line at which more than `MAX_DEPTH` brackets are open. The parser takes quadratic time for
/// nested brackets, minutes for a file within the size limit. Brackets inside text count too; they are rarely
/// unclosed.
fn too_deep(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut line = 1;
    for byte in text.bytes() {
        match byte {
            b'\n' => line += 1,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Some(line);
        }
    }
    None
}

fn excerpt_long(error: &serde_norway::Error) -> String {
    error.to_string().chars().take(300).flat_map(char::escape_debug).collect()
}

fn json(yaml: Yaml) -> Result<Value, String> {
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => Value::Bool(value),
        Yaml::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(natural), ..) => natural.into(),
            (_, Some(integer), _) => integer.into(),
            (.., float) => {
                let float = float.and_then(serde_json::Number::from_f64);
                float.map_or_else(|| Value::String(number.to_string()), Value::Number)
            }
        },
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(items) => Value::Array(items.into_iter().map(json).collect::<Result<_, _>>()?),
        Yaml::Mapping(entries) => {
            let entries = entries.into_iter().map(|(key, value)| Ok((key_text(key)?, json(value)?)));
            Value::Object(entries.collect::<Result<_, String>>()?)
        }
        Yaml::Tagged(_) => {
            // Text with an exclamation mark can be a secret without quotes, so it is not repeated.
            return Err("has a YAML tag, which is not supported: quote values that begin with `!`".to_owned());
        }
    })
}

fn key_text(key: Yaml) -> Result<String, String> {
    match key {
        Yaml::String(text) => Ok(text),
        Yaml::Bool(value) => Ok(value.to_string()),
        Yaml::Number(number) => Ok(number.to_string()),
        Yaml::Null => Err("has an empty key".to_owned()),
        Yaml::Sequence(_) | Yaml::Mapping(_) | Yaml::Tagged(_) => {
            Err("has a key that is not text".to_owned())
        }
    }
}
