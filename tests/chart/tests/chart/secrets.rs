//! Secret values are in Secrets only, and every referenced key exists.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use miroir_test_chart::{CASES, Object, case};
use serde_json::Value;

/// Returns every reference to a key of a Secret in the environments, and whether it is optional.
fn references(objects: &[Object]) -> Vec<(String, String, bool)> {
    let containers = objects.iter().flat_map(Object::containers);
    let entries = containers.flat_map(|container| container.list("env"));
    entries
        .filter_map(|entry| {
            let reference = &entry["valueFrom"]["secretKeyRef"];
            let text = |key: &str| reference[key].as_str().map(str::to_owned);
            Some((text("name")?, text("key")?, reference["optional"] == true))
        })
        .collect()
}

#[test]
fn referenced_keys_are_in_the_secret_of_the_chart() {
    for case in CASES {
        let rendered = case.values().rendered();
        for (secret, key, optional) in references(&rendered) {
            // The operator creates the other Secrets. A test below compares their keys with the
            // documentation.
            let Some(made) = rendered.find("Secret", &secret) else { continue };
            let held = made.at("/data")[&key].is_string();
            assert!(held || optional, "{}: {secret} has no `{key}`: {}", case.name, made.at("/data"));
        }
    }
}

#[test]
fn referenced_keys_of_an_existing_secret_are_documented() {
    let read = |name: &str| {
        let mut keys: Vec<String> = references(&case(name).values().rendered())
            .into_iter()
            .map(|(secret, key, optional)| format!("{secret}/{key}{}", if optional { "?" } else { "" }))
            .collect();
        keys.sort();
        keys.dedup();
        keys
    };
    let own = |keys: &[&str]| keys.iter().map(|key| format!("miroir-keys/{key}")).collect::<Vec<_>>();
    assert_eq!(read("redis"), own(&["admin-key?", "master-key", "node-master-key?", "redis-url"]));
    let production = ["admin-key?", "key-of-b-1", "master-key", "node-master-key?", "redis-url"];
    assert_eq!(read("production"), own(&production));
    assert_eq!(
        read("bundled_with_an_existing_secret"),
        ["keys/admin-key?", "keys/master-key", "keys/redis-password"]
    );
    assert!(read("redis_by_secret").contains(&"redis/url".to_owned()));
}

#[test]
fn chart_with_an_existing_secret_creates_none() {
    for name in ["redis", "production", "bundled_with_an_existing_secret"] {
        let rendered = case(name).values().rendered();
        assert!(rendered.of_kind("Secret").is_empty(), "{name}");
    }
}

#[test]
fn secret_values_are_in_secrets_only() {
    let overlay = "
auth: {masterKey: SECRET-of-clients-0, adminKey: SECRET-of-operators, nodeMasterKey: SECRET-of-nodes-000}
taskStore: {backend: redis, redis: {url: 'redis://u:SECRET-of-redis@h:1/0'}}
nodes: [{id: a, url: 'http://a', masterKey: SECRET-of-a}, {id: b, url: 'http://b'}]";
    let bundled = "
auth: {masterKey: SECRET-of-clients-0, adminKey: SECRET-of-operators, nodeMasterKey: SECRET-of-nodes-000}
redis: {password: SECRET-of-redis}";
    for (name, overlay, count) in [("sqlite", overlay, 5), ("bundled", bundled, 4)] {
        let rendered = case(name).values().with(overlay).rendered();
        let mut secrets = 0;
        for object in rendered.iter() {
            let text = object.0.to_string();
            assert!(!text.contains("SECRET"), "{name}: {} contains a secret", object.title());
            if object.kind() != "Secret" {
                continue;
            }
            for (key, value) in object.at("/data").as_object().unwrap() {
                let decoded = STANDARD.decode(value.as_str().unwrap()).unwrap();
                let decoded = String::from_utf8(decoded).unwrap();
                assert!(decoded.contains("SECRET-of-"), "{name}: {key} is {decoded}");
                secrets += 1;
            }
        }
        assert_eq!(secrets, count, "{name}");
    }
}

#[test]
fn servers_of_the_chart_have_the_key_of_miroirs_requests() {
    for name in ["bundled", "own_nodes_key", "bundled_with_an_existing_secret"] {
        let rendered = case(name).values().rendered();
        let key = |kind: &str, workload: &str, variable: &str| -> Value {
            let container = &rendered.get(kind, workload).containers()[0];
            container.variable(variable).unwrap()["valueFrom"]["secretKeyRef"].clone()
        };
        let theirs = key("StatefulSet", "shop-miroir-meilisearch", "MEILI_MASTER_KEY");
        assert_eq!(key("Deployment", "shop-miroir", "MIROIR_NODE_DEFAULTS__MASTER_KEY"), theirs, "{name}");
        let password = key("StatefulSet", "shop-miroir-redis", "REDIS_PASSWORD");
        assert_eq!(key("Deployment", "shop-miroir", "REDIS_PASSWORD"), password, "{name}");
    }
}
