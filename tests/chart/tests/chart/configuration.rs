//! Rendered configurations: Miroir accepts them, and they contain the values.

use miroir::config::{SearchPolicy, StoreBackend};
use miroir_domain::GroupId;
use miroir_test_chart::{CASES, case};

use super::loader::{configuration, environment};

#[test]
fn miroir_accepts_the_configuration_of_every_case() {
    for case in CASES {
        let config = configuration(case.name, &case.values().rendered());
        assert!(config.nodes.len() >= 2, "{}", case.name);
        assert!(config.auth.master_key.is_some(), "{}", case.name);
    }
}

#[test]
fn values_are_in_the_configuration() {
    let config = configuration("everything_set", &case("everything_set").values().rendered());
    assert_eq!(config.server.address.to_string(), "0.0.0.0:8800");
    assert_eq!(config.server.shutdown_grace_ms, 90_000);
    assert_eq!(config.server.max_body_bytes, 104_857_600);
    assert_eq!(config.store.backend, StoreBackend::Sqlite);
    assert_eq!(config.store.path.to_str(), Some("/var/lib/miroir/miroir.db"));
    assert_eq!(config.cluster.replication_factor, 2);
    assert!(!config.canary.enabled);

    let overlay = "cluster: {replicationFactor: 2, writeQuorum: 1, shardCount: 128, searchPolicy: error}";
    let config = configuration("cluster", &case("sqlite").values().with(overlay).rendered());
    assert_eq!((config.cluster.write_quorum, config.cluster.shard_count), (Some(1), 128));
    assert_eq!(config.cluster.search_policy, SearchPolicy::Error);
    assert_eq!(config.auth.admin_key.unwrap().expose(), "change-me-the-key-of-operators");
}

#[test]
fn redis_url_is_that_of_the_values() {
    let url = |name: &str| {
        let config = configuration(name, &case(name).values().rendered());
        assert_eq!(config.store.backend, StoreBackend::Redis, "{name}");
        (config.store.redis.url.unwrap().expose().to_owned(), config.store.redis.prefix)
    };
    let named = |url: &str, prefix: &str| (url.to_owned(), prefix.to_owned());
    assert_eq!(url("redis_by_url"), named("rediss://u:p@r.example.com:6380/1", "films"));
    let own = "redis://:change-me-the-password-of-redis@shop-miroir-redis:6379/0";
    assert_eq!(url("bundled"), named(own, "miroir"));
    let rendered = case("bundled").values().rendered();
    let service = rendered.get("Service", "shop-miroir-redis");
    assert_eq!(*service.at("/spec/ports/0/port"), 6379);
}

#[test]
fn nodes_of_the_chart_are_its_pods_distributed_over_groups() {
    let rendered = case("bundled").values().rendered();
    let config = configuration("bundled", &rendered);
    let servers = rendered.of_kind("StatefulSet").into_iter().find(|set| set.name().ends_with("meilisearch"));
    let servers = servers.unwrap();
    let governing = rendered.get("Service", servers.text("/spec/serviceName"));
    assert_eq!(*governing.at("/spec/clusterIP"), "None", "pods have names in a headless service only");
    assert_eq!(config.nodes.len() as u64, servers.at("/spec/replicas").as_u64().unwrap());
    for (number, node) in config.nodes.iter().enumerate() {
        let host = format!("{}-{number}.{}.search.svc.cluster.local", servers.name(), governing.name());
        assert_eq!(node.url.as_str(), format!("http://{host}:7700"));
        assert_eq!(node.group, GroupId(u32::try_from(number % 2).unwrap()));
    }
    assert_eq!(config.topology().unwrap().groups().len(), 2);
}

#[test]
fn node_key_of_a_node_is_used_for_it() {
    let config = configuration("keys_of_nodes", &case("keys_of_nodes").values().rendered());
    let keys: Vec<&str> =
        config.nodes.iter().map(|node| config.node_master_key(node).unwrap().expose()).collect();
    let clients = "change-me-the-key-clients-send";
    assert_eq!(keys, ["the-key-of-a", clients, clients, "the-key-of-d"]);
    assert_eq!(config.nodes[2].url.as_str(), "http://c:7701");
}

#[test]
fn pod_has_its_name_its_address_and_the_address_of_metrics() {
    for (name, port, metrics) in [
        ("redis", 7700, Some("0.0.0.0:9090")),
        ("everything_set", 8800, Some("0.0.0.0:9191")),
        ("no_metrics", 7700, None),
    ] {
        let rendered = case(name).values().rendered();
        let container = &rendered.of_kind("Deployment")[0].containers()[0];
        let environment = environment(&rendered, container);
        assert_eq!(environment["MIROIR_INSTANCE__ID"], environment["POD_NAME"], "{name}");
        assert_eq!(environment["MIROIR_INSTANCE__URL"], format!("http://10.1.2.3:{port}"), "{name}");
        assert_eq!(environment.get("MIROIR_METRICS__ADDRESS").map(String::as_str), metrics, "{name}");
    }
}
