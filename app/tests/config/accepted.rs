//! Accepted configurations, and the precedence of sources.

use std::net::SocketAddr;

use miroir::config::{
    Config, LogFormat, NodeConfig, SearchPolicy, Secret, Sources, StoreBackend, Synchronous,
};
use miroir_domain::GroupId;

use super::support::{accepted, config_of, environment, file};

#[test]
fn load_returns_the_defaults_without_sources() {
    let loaded = accepted(environment(&[]));
    assert_eq!(loaded.config, Config::default());
    assert_eq!(loaded.config.server.address, SocketAddr::from(([127, 0, 0, 1], 7700)));
    assert_eq!(loaded.config.server.max_body_bytes, 104_857_600);
    assert_eq!(loaded.config.store.backend, StoreBackend::Sqlite);
    assert_eq!(loaded.config.store.path.to_str(), Some("./data/miroir.db"));
    assert_eq!(loaded.config.task_registry.ttl_ms, 604_800_000);
    assert!(loaded.warnings[0].contains("no Meilisearch nodes"), "{:?}", loaded.warnings);
}

#[test]
fn load_reads_every_section_of_a_file() {
    let config = config_of(
        "server:
  address: 0.0.0.0:80
auth: {master_key: a-master-key-of-32-bytes-or-more, admin_key: adminadminadminadmin}
cluster: {shard_count: 8, replication_factor: 2, write_quorum: 1, search_policy: error}
node_defaults: {master_key: shared}
nodes:
  - {id: a, url: 'http://10.0.0.1:7700/'}
  - {id: b, url: 'http://10.0.0.2:7700', group: 0, master_key: own}
  - {id: c, url: 'http://10.0.0.3:7700', group: 1}
  - {id: d, url: 'http://10.0.0.4:7700', group: 1}
store: {backend: memory, synchronous: normal}
health: {bad_to_fail: 5}
timeouts: {search_ms: 7}
task_registry: {poll_min_ms: 3}
repair: {concurrency: 4, max_documents_per_second: 0}
log: {level: 'warn,miroir=trace', format: json}
",
    );
    assert_eq!(config.cluster.search_policy, SearchPolicy::Error);
    assert_eq!(config.cluster.write_quorum, Some(1));
    assert_eq!(config.nodes[0].url.as_str(), "http://10.0.0.1:7700");
    assert_eq!(config.nodes[2].group, GroupId(1));
    assert_eq!(config.store.synchronous, Synchronous::Normal);
    assert_eq!((config.repair.concurrency, config.repair.max_documents_per_second), (4, 0));
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!((config.health.bad_to_fail, config.health.good_to_recover), (5, 2));
    assert_eq!(config.topology().unwrap().groups().len(), 2);
}

#[test]
fn node_master_key_prefers_the_key_of_the_node_then_the_default_then_the_master_key() {
    let key = |config: &Config, position: usize| {
        let node: &NodeConfig = &config.nodes[position];
        config.node_master_key(node).map(|key| key.expose().to_owned())
    };
    let nodes = "nodes: [{id: a, url: 'http://h:1'}, {id: b, url: 'http://h:2', master_key: own}]";
    let config =
        config_of(&format!("{nodes}\nauth: {{master_key: clients}}\nnode_defaults: {{master_key: shared}}"));
    assert_eq!((key(&config, 0), key(&config, 1)), (Some("shared".into()), Some("own".into())));
    let config = config_of(&format!("{nodes}\nauth: {{master_key: clients}}"));
    assert_eq!((key(&config, 0), key(&config, 1)), (Some("clients".into()), Some("own".into())));
    assert_eq!(key(&config_of(nodes), 0), None);
}

#[test]
fn load_prefers_flags_to_the_environment_and_that_to_the_file() {
    let content = "server: {address: '127.0.0.1:1', max_concurrent_requests: 1}\nlog: {level: error}";
    let (_folder, sources) = file(content);
    let variables = [("MIROIR_SERVER__ADDRESS", "127.0.0.1:2"), ("MIROIR_LOG__LEVEL", "warn")];
    let sources = Sources {
        environment: environment(&variables).environment,
        flags: vec![("--log-level".into(), "log.level".into(), "debug".into())],
        ..sources
    };
    let config = accepted(sources).config;
    assert_eq!(config.server.max_concurrent_requests, 1);
    assert_eq!(config.server.address.port(), 2);
    assert_eq!(config.log.level, "debug");
}

#[test]
fn load_reads_numbers_words_and_lists_from_the_environment() {
    let config = accepted(environment(&[
        ("MIROIR_CLUSTER__SHARD_COUNT", "16"),
        ("MIROIR_CLUSTER__WRITE_QUORUM", "null"),
        ("MIROIR_STORE__BACKEND", "memory"),
        ("MIROIR_AUTH__MASTER_KEY", "1234567890123456"),
        ("MIROIR_NODES", r#"[{"id": "a", "url": "http://127.0.0.1:7701"}]"#),
        ("MIROIR_LOG__LEVEL", ""),
    ]))
    .config;
    assert_eq!(config.cluster.shard_count, 16);
    assert_eq!(config.store.backend, StoreBackend::Memory);
    assert_eq!(config.auth.master_key, Some(Secret::new("1234567890123456")));
    assert_eq!(config.nodes.len(), 1);
    assert_eq!(config.log.level, "info", "an empty variable counts as unset");
}

#[test]
fn load_replaces_lists_as_a_whole() {
    let (_folder, sources) = file("nodes: [{id: a, url: 'http://h:1'}, {id: b, url: 'http://h:2'}]");
    let variables = environment(&[("MIROIR_NODES", "- {id: c, url: 'http://h:3'}")]).environment;
    let config = accepted(Sources { environment: variables, ..sources }).config;
    assert_eq!(config.nodes.len(), 1);
    assert_eq!(config.nodes[0].id.as_str(), "c");
}

#[test]
fn load_ignores_variables_of_other_programs_and_of_kubernetes() {
    let config = accepted(environment(&[
        ("PATH", "/bin"),
        ("MIROIRS_X", "1"),
        ("MIROIR_MEILISEARCH_BIN", "/bin/meilisearch"),
        ("MIROIR_URL", "http://x"),
        ("MIROIR_ADMIN_API_KEY", "x"),
        ("MIROIR_API_KEY", "x"),
        ("MIROIR_SERVICE_HOST", "10.0.0.1"),
        ("MIROIR_SERVICE_PORT_HTTP", "7700"),
        ("MIROIR_PORT", "tcp://10.0.0.1:7700"),
        ("MIROIR_PORT_7700_TCP_ADDR", "10.0.0.1"),
        ("MIROIR_REDIS_MASTER_SERVICE_HOST", "10.0.0.2"),
        ("MIROIR_METRICS_PORT_9090_TCP", "tcp://10.0.0.2:9090"),
    ]))
    .config;
    assert_eq!(config, Config::default());
}

#[test]
fn load_reads_the_default_file_if_it_exists() {
    let (folder, sources) = file("log: {level: trace}");
    let from_default = accepted(Sources { file: None, ..sources });
    assert_eq!(from_default.config.log.level, "trace");
    assert_eq!(from_default.file, Some(folder.path().join("miroir.yaml")));
    let empty = tempfile::tempdir().unwrap();
    let loaded = accepted(Sources { folder: empty.path().to_owned(), ..Sources::default() });
    assert_eq!(loaded.file, None);
}

#[test]
fn load_accepts_empty_files_and_sections() {
    for content in ["", "# only a comment\n", "---\n", "nodes:\n", "server:\nnodes: []\n"] {
        assert_eq!(config_of(content), Config::default(), "{content:?}");
    }
}

#[test]
fn printing_masks_every_secret() {
    let config = config_of(
        "auth: {master_key: secretsecret1, admin_key: secretsecret2}
node_defaults: {master_key: secretsecret3}
nodes: [{id: a, url: 'http://h:1', master_key: secretsecret4}]",
    );
    let printed = format!("{config:?} {config:#?} {}", serde_json::to_string(&config).unwrap());
    assert!(!printed.contains("secretsecret"), "{printed}");
    assert!(printed.contains("********"));
}

#[test]
fn load_warns_of_questionable_settings() {
    let warnings = |content: &str| {
        let (_folder, sources) = file(content);
        accepted(sources).warnings.join("\n")
    };
    assert!(warnings("auth: {master_key: short}").contains("shorter than 16 bytes"));
    assert!(!warnings("auth: {master_key: 0123456789abcdef}").contains("16 bytes"));
    assert!(warnings("store: {backend: memory}").contains("tasks are lost"));
    assert!(warnings("cluster: {replication_factor: 2, write_quorum: 1}").contains("less than a majority"));
    assert!(!warnings("cluster: {replication_factor: 2, write_quorum: 2}").contains("majority"));
}

const CANARY: &str = "{id: top, name: n, index: films, intervalSeconds: 60, query: {q: x}, \
                      assertions: [{type: top_hit_id, id: 1}]}";

#[test]
fn load_reads_canaries_from_a_file_and_from_the_environment() {
    let config = config_of(&format!("canary: {{concurrency: 2, history: 7, definitions: [{CANARY}]}}"));
    assert_eq!((config.canary.concurrency, config.canary.history, config.canary.timeout_ms), (2, 7, 10_000));
    assert!(config.canary.enabled);
    let canary = &config.canary.definitions[0];
    assert_eq!((canary.id().as_str(), canary.definition().name()), ("top", "n"));
    let listed = format!("[{CANARY}]");
    let same = accepted(environment(&[("MIROIR_CANARY__DEFINITIONS", &listed)])).config;
    assert_eq!(same.canary.definitions, config.canary.definitions);
    // The printed definitions can be loaded again.
    let printed = serde_json::to_string(&config.canary.definitions).unwrap();
    let again = accepted(environment(&[("MIROIR_CANARY__DEFINITIONS", &printed)])).config;
    assert_eq!(again.canary.definitions, config.canary.definitions);
}

#[test]
fn load_warns_of_canaries_without_a_schedule() {
    let warnings = |content: &str| {
        let (_folder, sources) = file(content);
        accepted(sources).warnings.join("\n")
    };
    assert!(
        warnings(&format!("canary: {{enabled: false, definitions: [{CANARY}]}}"))
            .contains("not run on their schedule")
    );
    assert!(!warnings("canary: {enabled: false}").contains("not run on"));
    assert!(!warnings(&format!("canary: {{definitions: [{CANARY}]}}")).contains("not run on"));
}
