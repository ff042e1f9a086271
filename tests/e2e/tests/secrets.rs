//! Keys, passwords and tokens appear in no log of any level, no response and no error.

use std::path::Path;
use std::process::Stdio;

use miroir::config::Config;
use miroir_e2e::{Client, Cluster, Response, TIMEOUT, miroir_program, until};
use miroir_http::route_list;
use miroir_test_redis::RedisServer;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

const MASTER: &str = "sesame-of-the-clients-0a1b2c";
const ADMIN: &str = "sesame-of-the-admins-3d4e5f";
const NODES: &str = "sesame-of-the-nodes-6a7b8c";
const ONE_NODE: &str = "sesame-of-one-node-9d0e1f";
const REDIS: &str = "sesame-of-redis-2a3b4c";
const NATS_PASSWORD: &str = "sesame-of-nats-user-5d6e7f";
const NATS_TOKEN: &str = "sesame-of-nats-token-8a9b0c";
const NATS_URL: &str = "sesame-in-a-nats-url-1d2e3f";
const WEBHOOK_URL: &str = "sesame-in-a-webhook-url-4a5b6c";
/// The key of a webhook in base64, after the common prefix.
const WEBHOOK: &str = "whsec_c2VzYW1lLW9mLXRoZS13ZWJob29rcy03ZDhlOWY=";
const SEALING: &str = "sesame-of-the-sealing-of-keys-7a8b9c";
const EMBEDDER: &str = "sesame-of-an-embedder-0a1b2c3d4e5f";
/// A part of every secret in these tests.
const MARKS: [&str; 2] = ["sesame-", "c2VzYW1l"];

/// Asserts that `text` contains no secret.
fn assert_clean(text: &str, what: &str) {
    for mark in MARKS {
        if let Some(at) = text.find(mark) {
            let start = text[..at].char_indices().rev().nth(200).map_or(0, |(position, _)| position);
            let shown: String = text[start..].chars().take(300).collect();
            panic!("a secret is in {what}: {shown}");
        }
    }
}

/// Returns a configuration that sets every secret.
fn configuration() -> Value {
    json!({
        "auth": { "master_key": MASTER, "admin_key": ADMIN },
        "node_defaults": { "master_key": NODES },
        "store": {
            "redis": { "url": format!("redis://miroir:{REDIS}@127.0.0.1:9/0") }, "sealing_keys": [SEALING],
        },
        "cdc": { "sinks": [
            { "name": "feed", "kind": "internal" },
            {
                "name": "hook", "kind": "webhook", "url": format!("http://127.0.0.1:9/{WEBHOOK_URL}?key={WEBHOOK_URL}"),
                "secrets": [WEBHOOK], "allow_private": true, "timeout_ms": 500, "retry_max_ms": 500,
            },
            {
                "name": "user", "kind": "nats", "url": "nats://127.0.0.1:9", "user": "miroir", "password": NATS_PASSWORD,
                "timeout_ms": 500, "retry_max_ms": 500,
            },
            {
                "name": "token", "kind": "nats", "url": "nats://127.0.0.1:9", "token": NATS_TOKEN,
                "timeout_ms": 500, "retry_max_ms": 500,
            },
        ] },
        "log": { "level": "trace", "format": "text" },
    })
}

fn check_response(response: &Response, what: &str) {
    assert_clean(&response.body.to_string(), what);
    assert_clean(&format!("{:?}", response.headers), what);
}

/// Sends requests to every read route with both keys, without a key and with a wrong one.
async fn read_everything(client: &Client) {
    for route in route_list().into_iter().filter(|route| route.method == "GET") {
        let parts = route.template.split('/').map(|part| match part {
            "{task_uid}" => "0",
            part if part.starts_with('{') => "films",
            part => part,
        });
        let mut path = parts.collect::<Vec<_>>().join("/");
        if path == "/_miroir/changes" {
            path.push_str("?index=films&wait=0");
        }
        let plain = || client.request("GET", &path).unwrap();
        let without_key = Client::new(client.base_url(), None).unwrap();
        let keyless = || without_key.request("GET", &path).unwrap();
        // The right key, none, and the other key.
        let requests = [
            plain().header("X-Admin-Key", ADMIN),
            keyless(),
            keyless().bearer_auth(format!("{MASTER}x")),
            keyless().bearer_auth(ADMIN).header("X-Admin-Key", MASTER),
            keyless().bearer_auth(NODES).header("X-Admin-Key", NODES),
        ];
        for request in requests {
            check_response(&client.send(request).await.unwrap(), &path);
        }
    }
}

/// An embedder with a key.
fn embedder() -> Value {
    json!({ "source": "rest", "url": "http://127.0.0.1:9", "dimensions": 3, "apiKey": EMBEDDER })
}

/// Asserts that neither the files of the store nor the commands on it show a secret.
async fn check_store(cluster: &mut Cluster) {
    let configuration = cluster.miroir().configuration().unwrap();
    let path = configuration["store"]["path"].as_str().unwrap().to_owned();
    for file in [path.clone(), format!("{path}-wal")] {
        let Ok(bytes) = std::fs::read(&file) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        assert_clean(&text, &file);
        assert!(file.ends_with("-wal") || text.contains("committed_settings"), "{file}");
    }
    for command in [&["store", "stats"][..], &["store", "stats", "--json"], &["store", "check"]] {
        assert_clean(&cluster.miroir().run(command).await.unwrap(), &command.join(" "));
    }
}

/// Sends writes, including failing ones.
async fn write_everything(client: &Client) {
    let film = json!([{ "id": 1, "title": "Ali Baba" }]);
    for (method, path, body) in [
        ("POST", "/indexes/films/documents?primaryKey=id", film.clone()),
        ("POST", "/indexes/films/documents", json!("nonsense")),
        ("POST", "/indexes/films/search", json!({ "q": "ali", "filter": "nothing = 1" })),
        ("PATCH", "/indexes/films/settings", json!({ "colour": 1 })),
        ("PATCH", "/indexes/films/settings", json!({ "embedders": { "e": embedder() } })),
        ("PATCH", "/indexes/films/settings/embedders", json!({ "f": embedder() })),
        ("PATCH", "/indexes/films/settings/embedders", json!({ "e": { "apiKey": [EMBEDDER.len()] } })),
        ("POST", "/nowhere", film),
        ("POST", "/_miroir/cdc/sinks/hook/pause", Value::Null),
        ("POST", "/_miroir/cdc/sinks/hook/resume", Value::Null),
    ] {
        let request = client.request(method, path).unwrap().header("X-Admin-Key", ADMIN);
        let request = if body.is_null() { request } else { request.json(&body) };
        check_response(&client.send(request).await.unwrap(), path);
    }
}

/// Returns whether every unreachable sink has failed.
async fn sinks_have_failed(client: &Client) -> bool {
    let request = client.request("GET", "/_miroir/cdc/sinks").unwrap().header("X-Admin-Key", ADMIN);
    let response = client.send(request).await.unwrap();
    check_response(&response, "the sinks");
    let sinks = response.expect(200).unwrap()["results"].as_array().unwrap().clone();
    let failing = sinks.iter().filter(|sink| sink["kind"] != "internal");
    failing.clone().count() == 3 && failing.clone().all(|sink| sink["failures"].as_u64() > Some(0))
}

#[tokio::test]
async fn successes_and_failures_show_no_secret() {
    let cluster =
        Cluster::builder().nodes(2).replication_factor(2).node_key(NODES).configuration(configuration());
    let mut cluster = cluster.start().await.unwrap();
    let client = cluster.client();
    write_everything(&client).await;
    read_everything(&client).await;
    until("every sink has failed", || async { sinks_have_failed(&client).await.then_some(()) }).await;
    cluster.node(0).kill().await.unwrap();
    write_everything(&client).await;
    read_everything(&client).await;
    cluster.node(1).kill().await.unwrap();
    read_everything(&client).await;
    assert!(cluster.miroir().terminate().await.unwrap().success());
    let log = cluster.miroir().process().log();
    // The check means little unless these levels are logged.
    assert!(log.contains("TRACE") && log.contains("DEBUG"), "{}", &log[..log.len().min(2_000)]);
    assert_clean(&log, "the log");
    check_store(&mut cluster).await;
}

#[tokio::test]
async fn nodes_that_refuse_their_key_do_not_reveal_it() {
    let mut wrong = configuration();
    wrong["node_defaults"]["master_key"] = ONE_NODE.into();
    let builder = Cluster::builder().nodes(1).node_key(NODES).configuration(wrong);
    let mut cluster = builder.start_nodes().await.unwrap();
    cluster.miroir().start_unready().unwrap();
    let client = cluster.client();
    until("Miroir responds", || async { client.get("/health").await.ok() }).await;
    write_everything(&client).await;
    read_everything(&client).await;
    let refused = client.call("POST", "/indexes/films/documents", json!([{ "id": 1 }])).await.unwrap();
    assert_eq!(refused.body["code"], "miroir_no_quorum", "{}", refused.body);
    assert_clean(&cluster.miroir().process().log(), "the log");
}

/// The outcome of a start.
enum Start {
    /// Miroir becomes ready.
    Succeeds,
    /// Miroir waits for the store, for a reason that contains this text.
    Waits(&'static str),
    /// The process ends with an error.
    Fails,
}

#[tokio::test]
async fn store_on_redis_does_not_reveal_its_password() {
    let user = format!("user miroir on >{REDIS} ~* &* +@all");
    let server = RedisServer::start();
    let words: Vec<&str> = ["ACL", "SETUSER"].into_iter().chain(user.split(' ').skip(1)).collect();
    assert_eq!(server.say(&words), "+OK\r\n");
    let at = |password: &str| server.url().replace("redis://", &format!("redis://miroir:{password}@"));
    for (url, start) in [
        (at(REDIS), Start::Succeeds),
        (at(&format!("{REDIS}-wrong")), Start::Waits("check the user and password")),
        (format!("redis://miroir:{REDIS}@127.0.0.1:9/0"), Start::Waits("127.0.0.1:9")),
        (format!("redis://miroir:{REDIS}@127.0.0.1:port/0"), Start::Fails),
        (format!("postgres://miroir:{REDIS}@127.0.0.1:9/0"), Start::Fails),
        (REDIS.to_owned(), Start::Fails),
    ] {
        let mut configuration = configuration();
        configuration["store"] = json!({ "backend": "redis", "redis": { "url": url } });
        let builder = Cluster::builder().nodes(1).node_key(NODES).configuration(configuration);
        let mut cluster = builder.start_nodes().await.unwrap();
        let client = cluster.client();
        match start {
            Start::Succeeds => {
                cluster.miroir().start().await.unwrap();
                write_everything(&client).await;
                assert!(cluster.miroir().terminate().await.unwrap().success());
            }
            Start::Waits(reason) => {
                cluster.miroir().start_unready().unwrap();
                let reasons = until("Miroir says why it waits", || async {
                    let ready = client.get("/_miroir/ready").await.ok()?;
                    Some(ready.body["reasons"].to_string())
                })
                .await;
                assert!(reasons.contains(reason), "{reasons}");
                assert_clean(&reasons, "the reasons of an instance that waits");
                let refused = client.call("POST", "/indexes/films/search", json!({})).await.unwrap();
                assert_clean(&refused.expect(503).unwrap().to_string(), "an error");
            }
            Start::Fails => {
                cluster.miroir().start_unready().unwrap();
                assert!(!cluster.miroir().process().wait().await.unwrap().success(), "{url}");
            }
        }
        let log = cluster.miroir().process().log();
        assert!(!log.is_empty());
        assert_clean(&log, "the log of a start");
    }
}

/// Runs `miroir config check` on a file and variables. Returns whether it succeeds, and its output.
async fn check(folder: &Path, text: &str, variables: &[(&str, &str)]) -> (bool, String) {
    let file = folder.join("checked.yaml");
    std::fs::write(&file, text).unwrap();
    let mut command = Command::new(miroir_program().await.unwrap());
    command.args(["config", "check", "--config"]).arg(&file).current_dir(folder).env_clear();
    command.envs(variables.iter().copied()).stdin(Stdio::null());
    let output = timeout(TIMEOUT, command.output()).await.expect("an exit within the timeout").unwrap();
    let printed =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(!printed.is_empty());
    (output.status.success(), printed)
}

#[tokio::test]
async fn config_check_shows_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let (holds, printed) = check(folder.path(), &configuration().to_string(), &[]).await;
    assert!(holds, "{printed}");
    assert!(printed.contains("********"), "{printed}");
    assert_clean(&printed, "a configuration that holds");
    let environment = [("MIROIR_AUTH__MASTER_KEY", MASTER), ("MIROIR_AUTH__ADMIN_KEY", ADMIN)];
    let (holds, printed) = check(folder.path(), "{}", &environment).await;
    assert!(holds, "{printed}");
    assert_clean(&printed, "a configuration from variables");
    for text in [
        format!("auth: {MASTER}"),
        format!("auth: [{MASTER}]"),
        format!("auth:\n  master_key:{MASTER}\n"),
        format!("auth:\n  master_key: [{MASTER}]\n"),
        format!("auth:\n  master_key: {{ key: {MASTER} }}\n"),
        format!("auth:\n  master_key: \"{MASTER}\n"),
        format!("auth:\n  master_key: {MASTER}: {MASTER}\n"),
        format!("auth:\n  master_key: {MASTER} and more\n"),
        format!("auth:\n  master_key: !{MASTER} x\n"),
        format!("auth:\n  master_key: {MASTER}\n  master_key: {MASTER}\n"),
        format!("auth:\n  master_kye: {MASTER}\n"),
        format!("node_defaults: {NODES}\n"),
        format!("nodes: {NODES}\n"),
        format!("nodes: [{{ id: a, url: \"http://miroir:{NODES}@127.0.0.1:1\" }}]\n"),
        format!("nodes: [{{ id: a, url: \"ftp://miroir:{NODES}@127.0.0.1:1\" }}]\n"),
        format!("nodes: [{{ id: a, url: \"http://miroir:{NODES}@127.0.0.1:port\" }}]\n"),
        format!("nodes: [{{ id: a, url: \"http://127.0.0.1:1\", master_key: 7, master: {NODES} }}]\n"),
        format!("store: {REDIS}\n"),
        format!("store: {{ redis: \"redis://:{REDIS}@127.0.0.1:1\" }}\n"),
        format!("store: {{ backend: \"redis://:{REDIS}@127.0.0.1:1\" }}\n"),
        format!("cdc: {{ sinks: {NATS_TOKEN} }}\n"),
        format!("cdc: {{ sinks: [{NATS_TOKEN}] }}\n"),
        format!(
            "cdc: {{ sinks: [{{ name: h, kind: webhook, url: \"http://{WEBHOOK_URL}\", secrets: {WEBHOOK} }}] }}\n"
        ),
        format!("cdc: {{ sinks: [{{ name: h, kind: webhook, url: \"http://\", secrets: [{WEBHOOK}] }}] }}\n"),
        format!(
            "cdc: {{ sinks: [{{ name: h, kind: webhook, url: \"{WEBHOOK_URL}\", secrets: [{WEBHOOK}] }}] }}\n"
        ),
        format!(
            "cdc: {{ sinks: [{{ name: h, kind: webhook, url: \"http://127.0.0.1/\", secrets: [{MASTER}] }}] }}\n"
        ),
        format!(
            "cdc: {{ sinks: [{{ name: h, kind: nats, url: \"nats://a:{NATS_URL}@127.0.0.1:4222\" }}] }}\n"
        ),
        format!("cdc: {{ sinks: [{{ name: h, kind: nats, url: \"http://a:{NATS_URL}@127.0.0.1\" }}] }}\n"),
        format!(
            "cdc: {{ sinks: [{{ name: h, kind: internal, url: \"http://a:{NATS_URL}@127.0.0.1\" }}] }}\n"
        ),
        format!("{MASTER}\n"),
        format!("- {MASTER}\n"),
    ] {
        let (holds, printed) = check(folder.path(), &text, &[]).await;
        assert!(!holds, "{text}: {printed}");
        assert_clean(&printed, &format!("the output for {text}"));
    }
    for (name, value) in [
        ("MIROIR_AUTH", MASTER),
        ("MIROIR_NODES", NODES),
        ("MIROIR_CDC__SINKS", NATS_TOKEN),
        ("MIROIR_AUTH__MASTER_KYE", MASTER),
        ("MIROIR_AUTH__MASTER_KEY", "sesame-with a space"),
    ] {
        let (holds, printed) = check(folder.path(), "{}", &[(name, value)]).await;
        assert!(!holds, "{name}: {printed}");
        assert_clean(&printed, name);
    }
}

#[test]
fn debug_and_serialization_of_the_configuration_show_no_secret() {
    let mut all = configuration();
    all["nodes"] = json!([{ "id": "a", "url": "http://127.0.0.1:1", "master_key": ONE_NODE }]);
    let config: Config = serde_json::from_value(all).unwrap();
    for text in [format!("{config:?}"), format!("{config:#?}"), serde_json::to_string(&config).unwrap()] {
        assert!(text.contains("********"));
        assert_clean(&text, "a configuration");
    }
}
