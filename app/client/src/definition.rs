//! Definitions in JSON or YAML files.

use std::io::Read as _;
use std::path::Path;

use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::text::clean;

/// The maximum size, which exceeds that of any definition a server accepts.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Reads the object in `file`. `-` is standard input.
pub(crate) fn read(file: &Path) -> Result<Map<String, Value>, Failure> {
    let shown = clean(&file.display().to_string());
    let refuse =
        |why: String| Failure::Usage(format!("cannot read a definition from {shown}: {}", clean(&why)));
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(MAX_BYTES + 1).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|opened| opened.take(MAX_BYTES + 1).read_to_string(&mut text))
    };
    read.map_err(|error| refuse(error.to_string()))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(refuse(format!("it is longer than {MAX_BYTES} bytes")));
    }
    parse(&text).map_err(refuse)
}

/// Parses JSON or YAML. JSON is tried first although it is mostly YAML too, for the numbers and errors of
/// JSON.
fn parse(text: &str) -> Result<Map<String, Value>, String> {
    let json = serde_json::from_str(text);
    let value: Value = match json {
        Ok(value) => value,
        Err(error) if text.trim_start().starts_with('{') => return Err(error.to_string()),
        Err(_) => serde_norway::from_str(text).map_err(|error| error.to_string())?,
    };
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err("it is not an object with fields such as `name` and `index`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parse_reads_json_and_yaml_alike() {
        let expected =
            json!({ "id": "a", "query": { "q": "x" }, "assertions": [{ "type": "min_hits", "value": 1 }] });
        let yaml = "id: a\nquery: { q: x }\nassertions:\n  - { type: min_hits, value: 1 }\n";
        for text in [expected.to_string(), yaml.to_owned()] {
            assert_eq!(Value::Object(parse(&text).unwrap()), expected);
        }
    }

    #[test]
    fn read_refuses_other_content_with_its_position() {
        assert!(parse("{\"a\": }").unwrap_err().contains("line 1"));
        assert!(parse("a: [1").is_err());
        for text in ["", "[]", "7", "- a"] {
            assert!(parse(text).unwrap_err().contains("not an object"), "{text}");
        }
        let missing = read(Path::new("/no/such/file")).unwrap_err();
        assert_eq!(missing.exit_code(), 2);
        assert!(missing.to_string().contains("/no/such/file"));
    }
}
