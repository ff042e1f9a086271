//! The generated reference.

use std::path::Path;

use miroir::config::{Shape, reference, schema, variable_name};

use super::support::{accepted, environment};

fn page() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md")
}

#[test]
fn configuration_page_is_up_to_date() {
    let stored = std::fs::read_to_string(page()).unwrap_or_default();
    assert!(
        stored == reference::markdown(),
        "docs/configuration.md is out of date: run `make fix`, or `miroir config schema --markdown > docs/configuration.md`"
    );
}

#[test]
fn every_key_is_documented_and_has_a_variable() {
    for (path, leaf) in Shape::of_config().leaves() {
        assert!(!leaf.description.is_empty(), "{path:?} has no documentation");
        assert!(reference::markdown().contains(&variable_name(&path)), "{path:?} is not in the page");
    }
}

#[test]
fn every_default_is_accepted_from_the_environment() {
    let shape = Shape::of_config();
    let defaults: Vec<(String, String)> = shape
        .leaves()
        .into_iter()
        .filter_map(|(path, leaf)| {
            let text = match leaf.default.as_ref()? {
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Null => String::new(),
                other => other.to_string(),
            };
            Some((variable_name(&path), text))
        })
        .collect();
    assert!(defaults.len() > 20, "{defaults:?}");
    let variables: Vec<(&str, &str)> = defaults.iter().map(|(name, text)| (&**name, &**text)).collect();
    assert_eq!(accepted(environment(&variables)).config, miroir::config::Config::default());
}

#[test]
fn schema_closes_every_section_and_marks_secrets() {
    let schema = serde_json::to_value(schema::json_schema()).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["properties"]["server"]["additionalProperties"], false);
    assert_eq!(schema["properties"]["nodes"]["items"]["required"], serde_json::json!(["id", "url"]));
    assert!(schema.to_string().contains("writeOnly"));
}
