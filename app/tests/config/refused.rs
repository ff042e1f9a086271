//! Refusals and their messages.

use miroir::config::Sources;

use super::support::{config_of, environment, file, problems, problems_of};

/// Returns the only problem of a file.
fn problem_of(content: &str) -> String {
    let found = problems_of(content);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.into_iter().next().unwrap()
}

#[test]
fn load_suggests_the_most_similar_key_for_an_unknown_one() {
    assert_eq!(
        problem_of("server: {adress: '127.0.0.1:7700'}"),
        "`server.adress` (in FILE): unknown key; did you mean `server.address`?"
    );
    assert_eq!(problem_of("sever: {}"), "`sever` (in FILE): unknown key; did you mean `server`?");
    assert_eq!(
        problem_of("nodes: [{id: a, url: 'http://h:1', gruop: 1}]"),
        "`nodes[0].gruop` (in FILE): unknown key; did you mean `nodes[0].group`?"
    );
    assert_eq!(
        problem_of("master_key: x"),
        "`master_key` (in FILE): unknown key; did you mean `auth.master_key`?"
    );
    assert_eq!(
        problem_of("log: {zzzzzzzzz: 1}"),
        "`log.zzzzzzzzz` (in FILE): unknown key; known here are format, level"
    );
}

#[test]
fn load_suggests_the_most_similar_variable_for_an_unknown_one() {
    let one = |name: &str, value: &str| problems(environment(&[(name, value)])).remove(0);
    assert_eq!(
        one("MIROIR_SERVER_ADDRESS", "x"),
        "from the environment variable MIROIR_SERVER_ADDRESS: unknown setting; did you mean MIROIR_SERVER__ADDRESS?"
    );
    assert!(one("MIROIR_QQQQQQQQQQQ", "x").contains("must be one"), "{}", one("MIROIR_QQQQQQQQQQQ", "x"));
    assert_eq!(
        one("MIROIR_NODES__0__URL", "http://h"),
        "from the environment variable MIROIR_NODES__0__URL: cannot be set entry by entry: set the whole list as \
         JSON or YAML in MIROIR_NODES"
    );
}

#[test]
fn load_names_the_found_and_the_expected_value() {
    let cases = [
        (
            "server: {max_body_bytes: lots}",
            "`server.max_body_bytes` (in FILE): found the text `lots`, expected a whole number, at least 1",
        ),
        ("server: 5", "`server` (in FILE): found the number 5, expected a section with keys of its own"),
        ("nodes: {a: b}", "`nodes` (in FILE): found a section, expected a list of sections"),
        ("nodes: [a]", "`nodes[0]` (in FILE): found text, expected a section with keys of its own"),
        ("log: {level: 3}", "`log.level` (in FILE): found the number 3, expected text (put it in quotes)"),
        (
            "log: {format: xml}",
            "`log.format` (in FILE): found the text `xml`, expected one of `auto`, `text`, `json`",
        ),
        ("store: {path: [a]}", "`store.path` (in FILE): found a list, expected text"),
        (
            "timeouts: {read_ms: -1}",
            "`timeouts.read_ms` (in FILE): found the number -1, expected a whole number from 1 to 31536000000",
        ),
        (
            "timeouts: {read_ms: 1.5}",
            "`timeouts.read_ms` (in FILE): found the number 1.5, expected a whole number from 1 to 31536000000",
        ),
        (
            "timeouts: {read_ms: }",
            "`timeouts.read_ms` (in FILE): found nothing, expected a whole number from 1 to 31536000000 (remove the key to use its default)",
        ),
        (
            "auth: {master_key: 12345678901234567}",
            "`auth.master_key` (in FILE): found a value that is not text, expected text (put it in quotes)",
        ),
    ];
    for (content, expected) in cases {
        assert_eq!(problem_of(content), expected);
    }
}

#[test]
fn load_names_the_source_of_an_invalid_value() {
    assert_eq!(
        problems(environment(&[("MIROIR_TIMEOUTS__READ_MS", "soon")])),
        [
            "`timeouts.read_ms` (from the environment variable MIROIR_TIMEOUTS__READ_MS): found the text `soon`, \
          expected a whole number from 1 to 31536000000"
        ]
    );
    let flags = vec![("--address".into(), "server.address".into(), "here".into())];
    assert_eq!(
        problems(Sources { flags, ..environment(&[]) }),
        ["`server.address` (from the flag --address): `here` is not an IP address with a port, such as \
          `127.0.0.1:7700`"]
    );
    let flags = vec![("--set".into(), "server.adress".into(), "here".into())];
    assert_eq!(
        problems(Sources { flags, ..environment(&[]) }),
        ["`server.adress` (from the flag --set): unknown key; did you mean `server.address`?"]
    );
}

#[test]
fn load_refuses_numbers_out_of_bounds() {
    for content in [
        "cluster: {shard_count: 0}",
        "cluster: {shard_count: 4097}",
        "cluster: {replication_factor: 0}",
        "cluster: {write_quorum: 0}",
        "server: {max_body_bytes: 0}",
        "server: {max_concurrent_requests: 0}",
        "server: {request_timeout_ms: 0}",
        "server: {body_timeout_ms: 0}",
        "health: {probe_interval_ms: 0}",
        "health: {probe_timeout_ms: 0}",
        "health: {bad_to_fail: 0}",
        "health: {good_to_recover: 4294967296}",
        "timeouts: {connect_ms: 0}",
        "timeouts: {write_ms: 0}",
        "timeouts: {read_ms: 0}",
        "timeouts: {search_ms: 0}",
        "task_registry: {ttl_ms: 0}",
        "repair: {concurrency: 0}",
        "repair: {concurrency: 65}",
        "repair: {max_documents_per_second: -1}",
        "task_registry: {poll_min_ms: 0}",
        "task_registry: {prune_interval_ms: 0}",
    ] {
        let problem = problem_of(content);
        assert!(problem.contains("expected a whole number"), "{content}: {problem}");
    }
}

#[test]
fn load_refuses_invalid_urls_of_nodes() {
    let with = |url: &str| problem_of(&format!("nodes: [{{id: a, url: {url:?}}}]"));
    assert!(with("localhost:7700").contains("has the scheme `localhost`"), "{}", with("localhost:7700"));
    assert!(with("ftp://h").contains("has the scheme `ftp`"));
    assert!(with("https://h").contains("https"));
    assert!(with("http://").contains("is not a URL"));
    assert!(with("").contains("is not a URL"));
    assert!(with("http://u:p@h:1").contains("user name or password"));
    assert!(with("http://h:1/?q=1").contains("a query"));
    assert!(with("http://h:99999").contains("is not a URL"));
}

#[test]
fn load_refuses_invalid_clusters() {
    assert_eq!(
        problem_of("cluster: {replication_factor: 2}\nnodes: [{id: a, url: 'http://h:1'}]"),
        "`nodes`: replica group 0 has 1 node(s), fewer than the replication factor 2: add nodes to the group or \
         lower `cluster.replication_factor`"
    );
    assert_eq!(
        problem_of("nodes: [{id: a, url: 'http://h:1'}, {id: a, url: 'http://h:2'}]"),
        "`nodes`: node id `a` appears twice: every node needs a name of its own"
    );
    let shared = problem_of("nodes: [{id: a, url: 'http://h:1'}, {id: b, url: 'http://h:1/'}]");
    assert!(shared.starts_with("`nodes[1].url`: http://h:1 is also the URL of node `a`"), "{shared}");
    let own = problem_of("nodes: [{id: a, url: 'http://127.0.0.1:7700'}]");
    assert!(own.contains("the address of Miroir itself"), "{own}");
    assert!(problem_of("cluster: {write_quorum: 2}").contains("between 1 and the replication factor 1"));
    assert!(problem_of("task_registry: {poll_min_ms: 2000}").contains("longer than the maximum"));
    assert!(problem_of("nodes: [{url: 'http://h:1'}]").contains("`nodes[0].id` (in FILE): is missing"));
}

#[test]
fn load_lists_all_problems() {
    let (_folder, sources) = file(
        "server: {adress: x}
timeouts: {read_ms: 0}
nodes: [{id: 'a b', url: nowhere}, {id: b, url: 'http://h:1'}]
task_registry: {poll_min_ms: 5000}",
    );
    let sources = Sources {
        environment: environment(&[("MIROIR_LOG__FORMAT", "xml"), ("MIROIR_LGO__LEVEL", "x")]).environment,
        ..sources
    };
    let found = problems(sources);
    for part in [
        "adress",
        "read_ms",
        "nodes[0].id",
        "nodes[0].url",
        "MIROIR_LOG__FORMAT",
        "MIROIR_LGO__LEVEL",
        "poll_min_ms",
    ] {
        assert!(found.iter().any(|problem| problem.contains(part)), "{part} is not in {found:#?}");
    }
    assert_eq!(found.len(), 7, "{found:#?}");
}

#[test]
fn load_refuses_keys_that_are_invalid_in_a_header_without_repeating_them() {
    let empty = problem_of("auth: {master_key: ''}");
    assert!(empty.contains("is empty"), "{empty}");
    let spaced = problem_of("auth: {admin_key: 'top secret'}");
    assert!(spaced.contains("printable ASCII") && !spaced.contains("top secret"), "{spaced}");
}

#[test]
fn load_refuses_an_invalid_log_filter() {
    let problem = problem_of("log: {level: 'miroir=loud'}");
    assert!(problem.contains("is not a log filter"), "{problem}");
}

#[test]
fn load_refuses_invalid_canaries_and_names_the_field() {
    let with = |canaries: &str| problem_of(&format!("canary: {{definitions: {canaries}}}"));
    let canary =
        |fields: &str| format!("{{name: n, index: films, intervalSeconds: 60, query: {{}}, {fields}}}");
    assert_eq!(
        with(&format!("[{}]", canary("id: a, intervalSecond: 3"))),
        "`canary.definitions[0]` (in FILE): Invalid canary: unknown field `intervalSecond`: did you mean \
         `intervalSeconds`? expected one of `id`, `name`, `index`, `intervalSeconds`, `query`, `assertions`, `enabled`"
    );
    assert_eq!(
        with(&format!("[{}, {}]", canary("id: a"), canary("id: b, assertions: [{type: top_hit_id}]"))),
        "`canary.definitions[1]` (in FILE): Invalid canary at `.assertions[0]`: the field `id` is missing"
    );
    assert!(with(&format!("[{}]", canary("enabled: true"))).contains("has no `id`"));
    assert_eq!(
        with(&format!("[{}, {}]", canary("id: a"), canary("id: a, enabled: false"))),
        "`canary.definitions[1]`: `a` is also the id of another canary: ids must be unique"
    );
    assert_eq!(
        with("[x]"),
        "`canary.definitions[0]` (in FILE): found the text `x`, expected the definition of a canary"
    );
    assert_eq!(
        with("{a: b}"),
        "`canary.definitions` (in FILE): found a section, expected a list; each entry the definition of a canary"
    );
    for bounds in ["concurrency: 0", "concurrency: 1001", "timeout_ms: 0", "history: 0", "history: 10001"] {
        let problem = problem_of(&format!("canary: {{{bounds}}}"));
        assert!(problem.contains("expected a whole number"), "{bounds}: {problem}");
    }
}

#[test]
fn load_refuses_invalid_sinks_and_names_the_key() {
    let with = |sinks: &str| problem_of(&format!("cdc: {{sinks: {sinks}}}"));
    let hook = |fields: &str| {
        format!("{{name: a, kind: webhook, url: 'https://a.example', secrets: [x], {fields}}}")
    };
    assert_eq!(
        with("[{name: a, kind: webhook, secrets: [x]}]"),
        "`cdc.sinks[0].url`: is missing: a sink of the kind `webhook` needs one"
    );
    assert!(
        with("[{name: a, kind: webhook, url: 'https://a.example'}]")
            .contains("`cdc.sinks[0].secrets`: is empty")
    );
    assert!(with("[{name: a, kind: nats}]").contains("a sink of the kind `nats` needs one"));
    assert!(with("[{name: a, kind: internal, url: x}]").contains("has no URL"));
    assert_eq!(
        with("[{name: a, kind: internal}, {name: b, kind: internal}]"),
        "`cdc.sinks[1].kind`: another sink is already `internal`: there is only one feed"
    );
    assert!(
        with(&format!("[{0}, {0}]", hook("documents: true")))
            .contains("`a` is also the name of another sink")
    );
    assert!(with(&format!("[{}]", hook("origins: []"))).contains("`cdc.sinks[0].origins`: is empty"));
    assert!(
        with(&format!("[{}]", hook("retry_min_ms: 9, retry_max_ms: 8"))).contains("longer than the maximum")
    );
    assert!(with("[{name: 'a b', kind: internal}]").contains("sink name"));
    assert!(with("[{name: a, kind: kafka}]").contains("`webhook`"));
    assert!(with("[{kind: internal}]").contains("`cdc.sinks[0].name`"));
    let secret = with(&format!("[{}]", hook("token: 'my precious'")));
    assert!(!secret.contains("precious"), "{secret}");
}

#[test]
fn load_refuses_metrics_on_the_address_of_clients() {
    for metrics in ["127.0.0.1:7700", "0.0.0.0:7700"] {
        let problem = problem_of(&format!("metrics: {{address: '{metrics}'}}"));
        assert!(
            problem.starts_with("`metrics.address`") && problem.contains("`server.address`"),
            "{problem}"
        );
    }
    for apart in ["127.0.0.1:9090", "127.0.0.2:7700", "127.0.0.1:0"] {
        let config = config_of(&format!("metrics: {{address: '{apart}'}}"));
        assert_eq!(config.metrics.address.unwrap().to_string(), apart);
    }
    assert!(problem_of("metrics: {address: 9090}").contains("metrics.address"));
}
