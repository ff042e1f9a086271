//! The compose file: three nodes, a Redis, and two Miroirs in front of all nodes.

use std::collections::BTreeMap;

use miroir::config::{Config, StoreBackend};
use miroir_test_chart::repository;
use serde_json::Value;

use super::loader::loaded;

/// Returns the variables of `.env.example`.
fn variables() -> BTreeMap<String, String> {
    let file = std::fs::read_to_string(repository(".env.example")).unwrap();
    let lines = file.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| line.split_once('=').unwrap_or_else(|| panic!("`{line}` is not a variable")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Returns the compose file with merged anchors and the variables of `.env.example`.
fn compose() -> Value {
    let mut text = std::fs::read_to_string(repository("compose.yaml")).unwrap();
    for (name, value) in variables() {
        text = text.replace(&format!("${{{name}:?copy .env.example to .env}}"), &value);
    }
    assert!(!text.contains("${"), "a variable is not in .env.example");
    let mut file: serde_norway::Value = serde_norway::from_str(&text).unwrap();
    // A merged anchor merges another one.
    file.apply_merge().and_then(|()| file.apply_merge()).unwrap();
    serde_json::to_value(file).unwrap()
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn miroirs() -> Vec<(String, Value, Config)> {
    let file = compose();
    let services = file["services"].as_object().unwrap();
    let miroirs = services.iter().filter(|(_, service)| service["build"] == ".");
    miroirs
        .map(|(name, service)| {
            let environment = service["environment"].as_object().unwrap();
            let environment =
                environment.iter().map(|(name, value)| (name.clone(), text_of(value))).collect();
            (name.clone(), service.clone(), loaded(name, None, &environment))
        })
        .collect()
}

#[test]
fn two_miroirs_with_one_configuration_are_reached_at_two_ports() {
    let miroirs = miroirs();
    let names: Vec<&str> = miroirs.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names, ["miroir-1", "miroir-2"]);
    for (number, (name, service, config)) in miroirs.iter().enumerate() {
        assert_eq!(service["ports"][0], format!("127.0.0.1:{}:7700", 7701 + number));
        assert_eq!(service["environment"]["MIROIR_INSTANCE__ID"], **name);
        assert_eq!(service["environment"]["MIROIR_INSTANCE__URL"], format!("http://{name}:7700"));
        assert_eq!(config.nodes, miroirs[0].2.nodes);
        assert_eq!(service["read_only"], true);
        assert_eq!(service["cap_drop"][0], "ALL");
    }
}

#[test]
fn miroirs_use_the_nodes_and_the_redis_of_the_file() {
    let file = compose();
    for (name, service, config) in miroirs() {
        let nodes: Vec<&str> = config.nodes.iter().map(|node| node.url.as_str()).collect();
        assert_eq!(nodes, ["http://node-1:7700", "http://node-2:7700", "http://node-3:7700"], "{name}");
        for node in &config.nodes {
            let server = &file["services"][node.id.as_str()];
            assert_eq!(server["image"], "getmeili/meilisearch:v1.50.0", "{name}");
            let key = config.node_master_key(node).unwrap();
            assert_eq!(server["environment"]["MEILI_MASTER_KEY"], *key.expose(), "{name}");
            assert_eq!(service["depends_on"][node.id.as_str()]["condition"], "service_healthy", "{name}");
        }
        assert_eq!(config.store.backend, StoreBackend::Redis);
        let url = config.store.redis.url.unwrap();
        let password = file["services"]["redis"]["command"][2].as_str().unwrap();
        assert_eq!(url.expose(), format!("redis://:{password}@redis:6379/0"), "{name}");
        assert_eq!(config.cluster.replication_factor, 2);
    }
}

#[test]
fn redis_persists_writes_and_evicts_no_keys() {
    let words = compose()["services"]["redis"]["command"].clone();
    let line = words.as_array().unwrap().iter().map(text_of).collect::<Vec<_>>().join(" ");
    for part in ["--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction"] {
        assert!(line.contains(part), "`{part}` is not in `{line}`");
    }
}

#[test]
fn persistent_data_is_on_declared_volumes() {
    let file = compose();
    for (service, folder) in
        [("node-1", "/meili_data"), ("node-2", "/meili_data"), ("node-3", "/meili_data"), ("redis", "/data")]
    {
        assert_eq!(file["services"][service]["volumes"][0], format!("{service}:{folder}"));
        assert!(file["volumes"].as_object().unwrap().contains_key(service), "{service}");
        assert!(file["services"][service]["healthcheck"]["test"].is_array(), "{service}");
    }
}

#[test]
fn keys_are_required_variables_and_not_in_the_file() {
    let text = std::fs::read_to_string(repository("compose.yaml")).unwrap();
    for (name, value) in variables() {
        assert!(text.contains(&format!("${{{name}:?")), "{name} is unused or optional");
        assert!(!text.contains(&value), "{name} is in the file");
    }
    let ignored = std::fs::read_to_string(repository(".gitignore")).unwrap();
    assert!(ignored.lines().any(|line| line == "/.env"));
}
