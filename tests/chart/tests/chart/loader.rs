//! Hands what was rendered to the configuration loader of the program itself.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use miroir::config::{Config, Sources, load};
use miroir_test_chart::{Container, Rendered};
use serde_json::Value;

/// What stands in for the keys of a Secret that the chart does not make.
const STAND_IN: &str = "stand-in-for-a-key-of-yours";

/// The configuration a pod would read, from its file and environment, which must hold.
pub fn configuration(case: &str, rendered: &Rendered) -> Config {
    let deployment = rendered.of_kind("Deployment")[0];
    let file = rendered.get("ConfigMap", deployment.name()).text("/data/miroir.yaml");
    let environment = environment(rendered, &deployment.containers()[0]);
    loaded(case, Some(file), &environment)
}

/// The configuration that a file and an environment make, which must hold.
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

/// The environment of a container as a pod has it: Secrets looked up, `$(NAME)` replaced.
pub fn environment(rendered: &Rendered, container: &Container) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::new();
    for entry in container.list("env") {
        let Some(value) = value_of(rendered, &entry) else { continue };
        let value = environment.iter().fold(value, |text: String, (name, value): (&String, &String)| {
            text.replace(&format!("$({name})"), value)
        });
        assert!(!value.contains("$("), "{}: {value} names what is not set before it", entry["name"]);
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
            other => panic!("what is {other}?"),
        });
    }
    let reference = &entry["valueFrom"]["secretKeyRef"];
    let (name, key) = (reference["name"].as_str().unwrap(), reference["key"].as_str().unwrap());
    match rendered.find("Secret", name) {
        None if key.contains("url") => Some("redis://redis.example.com:6379/0".to_owned()),
        None => Some(STAND_IN.to_owned()),
        Some(secret) => {
            let decode = |text: &str| String::from_utf8(STANDARD.decode(text).unwrap()).unwrap();
            secret.at("/data")[key].as_str().map(decode)
        }
    }
}
