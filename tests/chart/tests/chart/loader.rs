//! Loads rendered configurations with the loader of the program.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use miroir::config::{Config, Sources, load};
use miroir_test_chart::{Container, Rendered};
use serde_json::Value;

/// Replacement of keys in a Secret that the chart does not create.
const REPLACEMENT: &str = "stand-in-for-a-key-of-yours";

/// Loads the configuration of a pod from its file and environment.
pub fn configuration(case: &str, rendered: &Rendered) -> Config {
    let deployment = rendered.of_kind("Deployment")[0];
    let file = rendered.get("ConfigMap", deployment.name()).text("/data/miroir.yaml");
    let environment = environment(rendered, &deployment.containers()[0]);
    loaded(case, Some(file), &environment)
}

/// Loads the configuration of a file and an environment.
pub fn loaded(case: &str, file: Option<&str>, environment: &BTreeMap<String, String>) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let path = file.map(|content| {
        let path = folder.path().join("miroir.yaml");
        std::fs::write(&path, content).unwrap();
        path
    });
    let environment = environment.iter().map(|(name, value)| (name.into(), value.into())).collect();
    let sources = Sources { file: path, folder: folder.path().to_owned(), environment, flags: Vec::new() };
    load(sources).unwrap_or_else(|error| panic!("{case}: Miroir refused the configuration: {error}")).config
}

/// Returns the environment of a container in a pod: values of Secrets inserted, `$(NAME)` replaced.
pub fn environment(rendered: &Rendered, container: &Container) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::new();
    for entry in container.list("env") {
        let Some(value) = value_of(rendered, &entry) else { continue };
        let value = environment.iter().fold(value, |text: String, (name, value): (&String, &String)| {
            text.replace(&format!("$({name})"), value)
        });
        assert!(
            !value.contains("$("),
            "{}: {value} names a variable that is not set before it",
            entry["name"]
        );
        environment.insert(entry["name"].as_str().unwrap().to_owned(), value);
    }
    environment
}

fn value_of(rendered: &Rendered, entry: &Value) -> Option<String> {
    if let Some(value) = entry["value"].as_str() {
        return Some(value.to_owned());
    }
    if let Some(field) = entry["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
        return Some(match field {
            "metadata.name" => "shop-miroir-5d4f8c7b9-x2x9z".to_owned(),
            "status.podIP" => "10.1.2.3".to_owned(),
            other => panic!("unknown field {other}"),
        });
    }
    let reference = &entry["valueFrom"]["secretKeyRef"];
    let (name, key) = (reference["name"].as_str().unwrap(), reference["key"].as_str().unwrap());
    match rendered.find("Secret", name) {
        None if key.contains("url") => Some("redis://redis.example.com:6379/0".to_owned()),
        None => Some(REPLACEMENT.to_owned()),
        Some(secret) => {
            let decode = |text: &str| String::from_utf8(STANDARD.decode(text).unwrap()).unwrap();
            secret.at("/data")[key].as_str().map(decode)
        }
    }
}
