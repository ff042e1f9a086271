//! Every command in both output formats, compared with the responses of Miroir.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::canned::Canned;
use crate::fixture::Fixture;
use crate::tool::{Tool, contains};

/// Groups of commands for a running Miroir, each with the test that runs its commands.
const GROUPS: [(&str, &str); 8] = [
    ("task", include_str!("every.rs")),
    ("alias", include_str!("every.rs")),
    ("canary", include_str!("every.rs")),
    ("cdc", concat!(include_str!("every.rs"), include_str!("follow.rs"))),
    ("node", include_str!("every.rs")),
    ("topology", include_str!("every.rs")),
    ("lease", include_str!("every.rs")),
    ("job", include_str!("every.rs")),
];

/// New commands belong to one of the tests below.
#[test]
fn every_command_has_a_test() {
    let program = miroir::cli::command();
    let mut seen = BTreeSet::new();
    for (group, tests) in GROUPS {
        let group = program.find_subcommand(group).unwrap_or_else(|| panic!("no group {group}"));
        for command in group.get_subcommands().filter(|command| command.get_name() != "help") {
            let call = format!("&[\"{}\", \"{}\"", group.get_name(), command.get_name());
            assert!(tests.contains(&call), "no test runs {call}");
            assert!(seen.insert(call));
        }
    }
    assert!(seen.len() > 25, "{seen:?}");
}

#[tokio::test]
async fn tasks() {
    let fixture = Fixture::new().await;
    let tool = &fixture.tool;
    let one = fixture.write(&json!([{ "id": 3 }])).await["uid"].to_string();
    contains(&tool.text(&["task", "list"]).await, &["UID", "documentAdditionOrUpdate", "films", "succeeded"]);
    let list = tool.json(&["task", "list"]).await;
    assert_eq!(list, fixture.client.get("/tasks").await.unwrap().expect(200).unwrap());
    let filtered =
        ["task", "list", "--status", "failed", "--status", "canceled", "--index", "films", "--reverse"];
    contains(&tool.text(&filtered).await, &["There are no tasks."]);
    let kinds = ["task", "list", "--type", "documentAdditionOrUpdate", "--limit", "1"];
    contains(&tool.text(&kinds).await, &["1 of 2 tasks", "--from "]);
    let next = tool.json(&[kinds.as_slice(), &["--from", "0"]].concat()).await;
    assert_eq!((&next["results"][0]["uid"], &next["next"]), (&json!(0), &Value::Null));

    contains(&tool.text(&["task", "show", &one]).await, &["succeeded", "node-1", "node-2", "NODE TASK"]);
    let shown = tool.json(&["task", "show", &one]).await;
    assert_eq!(shown, fixture.get(&format!("/_miroir/tasks/{one}")).await);

    contains(&tool.text(&["task", "wait", "0", &one]).await, &["TOOK", "succeeded"]);
    let waited = tool.run(&["task", "wait", &one, "0", "--json"]).await.well();
    let uids: Vec<Value> =
        waited.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["uid"].clone()).collect();
    assert_eq!(uids, [one.parse::<u64>().unwrap(), 0]);
}

#[tokio::test]
async fn aliases() {
    let fixture = Fixture::new().await;
    let tool = &fixture.tool;
    for uid in ["v2", "v3"] {
        fixture.index(uid).await;
    }
    contains(&tool.text(&["alias", "list"]).await, &["There are no aliases."]);
    contains(
        &tool.text(&["alias", "create", "cinema", "films"]).await,
        &["`cinema` points to films (version 1)"],
    );
    assert_eq!(
        tool.json(&["alias", "create", "both", "films", "v2"]).await["targets"],
        json!(["films", "v2"])
    );
    assert_eq!(tool.json(&["alias", "create", "later", "v9", "--allow-missing"]).await["target"], "v9");
    contains(&tool.text(&["alias", "flip", "cinema", "v2", "--if-version", "1"]).await, &["v2 (version 2)"]);
    assert_eq!(tool.json(&["alias", "flip", "cinema", "v3"]).await["version"], 3);
    contains(&tool.text(&["alias", "show", "cinema"]).await, &["v3", "FORMER TARGET", "films"]);
    assert_eq!(tool.json(&["alias", "show", "cinema"]).await, fixture.get("/_miroir/aliases/cinema").await);
    contains(&tool.text(&["alias", "swap", "cinema", "later"]).await, &["cinema", "v9"]);
    assert_eq!(tool.json(&["alias", "swap", "cinema", "later"]).await["results"][0]["target"], "v3");
    contains(&tool.text(&["alias", "list", "--limit", "2"]).await, &["films, v2", "--from cinema"]);
    let rest = tool.json(&["alias", "list", "--from", "cinema"]).await;
    assert_eq!(rest, fixture.get("/_miroir/aliases?after=cinema").await);
    contains(&tool.text(&["alias", "delete", "later"]).await, &["Deleted alias `later`."]);
    assert_eq!(tool.run(&["alias", "delete", "both", "--json"]).await.well(), "");
    assert_eq!(tool.json(&["alias", "list"]).await["results"].as_array().unwrap().len(), 1);
}

const RONIN: &str = "name: Ronin comes first\nindex: films\nintervalSeconds: 3600\nquery: { q: ronin }\n\
    assertions:\n  - { type: top_hit_id, id: 2 }\n";

#[tokio::test]
async fn canaries() {
    let fixture = Fixture::new().await;
    let tool = &fixture.tool;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let yaml = file("ronin.yaml", RONIN);
    contains(&tool.text(&["canary", "list"]).await, &["There are no canaries."]);
    contains(
        &tool.text(&["canary", "put", &yaml, "--id", "ronin"]).await,
        &["Stored canary `ronin` (version 1)"],
    );
    let made = tool.json(&["canary", "put", &yaml]).await;
    assert_eq!(made["version"], 1, "the canary has an id: {made}");
    contains(&tool.text(&["canary", "show", "ronin"]).await, &["Ronin comes first", "1 h", "top_hit_id"]);
    let shown = tool.json(&["canary", "show", "ronin"]).await;
    assert_eq!(shown, fixture.get("/_miroir/canaries/ronin").await);
    // The output of `show` is valid input.
    let json = file("ronin.json", &shown.to_string().replace("Ronin comes first", "Still first"));
    let put = tool.json(&["canary", "put", &json, "--if-version", "1"]).await;
    assert_eq!((&put["name"], &put["version"]), (&json!("Still first"), &json!(2)));

    contains(&tool.text(&["canary", "run", "ronin"]).await, &["ronin  pass"]);
    assert_eq!(tool.json(&["canary", "run", "ronin"]).await["status"], "pass");
    let all = tool.run(&["canary", "run", "--all", "--json"]).await.well();
    assert_eq!(all.lines().filter(|line| line.contains(r#""status":"pass""#)).count(), 2, "{all}");
    contains(&tool.text(&["canary", "runs", "ronin", "--limit", "1"]).await, &["RAN (UTC)", "pass"]);
    assert_eq!(
        tool.json(&["canary", "runs", "ronin"]).await,
        fixture.get("/_miroir/canaries/ronin/runs").await
    );
    contains(&tool.text(&["canary", "status", "--check"]).await, &["PASS/FAIL/ERROR", "on time"]);
    assert_eq!(tool.json(&["canary", "status"]).await, fixture.get("/_miroir/canaries/status").await);

    // A failed canary sets the exit code and is printed with its reason.
    let wrong = file("wrong.yaml", &RONIN.replace("id: 2", "id: 1"));
    tool.run(&["canary", "put", &wrong, "--id", "wrong"]).await.well();
    let ended = tool.run(&["canary", "run", "ronin", "wrong"]).await;
    contains(&ended.stdout, &["ronin  pass", "wrong  fail", "top_hit_id: the first hit is"]);
    contains(&ended.badly(7), &["1 of 2 did not pass: wrong"]);
    contains(&tool.run(&["canary", "status", "--check"]).await.badly(7), &["unhealthy: wrong"]);

    contains(&tool.text(&["canary", "capture", "films"]).await, &["films"]);
    let capture = ["canary", "capture", "films", "--count", "3", "--name", "shop"];
    assert_eq!(tool.json(&capture).await["count"], 3);
    contains(&tool.text(&["canary", "delete", "wrong"]).await, &["Deleted canary `wrong`."]);
    let id = made["id"].as_str().unwrap();
    assert_eq!(tool.run(&["canary", "delete", id, "--json"]).await.well(), "");
    contains(&tool.text(&["canary", "list"]).await, &["ASSERTIONS", "Still first"]);
    assert_eq!(tool.json(&["canary", "list"]).await, fixture.get("/_miroir/canaries").await);
}

#[tokio::test]
async fn sinks_and_changes() {
    let fixture = Fixture::new().await;
    let tool = &fixture.tool;
    contains(&tool.text(&["cdc", "list"]).await, &["feed", "internal", "active"]);
    assert_eq!(tool.json(&["cdc", "list"]).await, fixture.get("/_miroir/cdc/sinks").await);
    contains(&tool.text(&["cdc", "show", "feed"]).await, &["internal", "films", "CONFIRMED"]);
    assert_eq!(tool.json(&["cdc", "show", "feed"]).await["name"], "feed");
    contains(&tool.text(&["cdc", "changes", "films"]).await, &["films:1:1  document.upserted  1, 2"]);
    let changes = tool.json(&["cdc", "changes", "films", "--since", "0", "--limit", "1"]).await;
    assert_eq!(changes, fixture.get("/_miroir/changes?index=films&wait=0&limit=1").await);
    // A feed has no deliveries to control.
    for steer in [&["cdc", "pause", "feed"][..], &["cdc", "resume", "feed"]] {
        contains(&tool.run(steer).await.badly(4), &["miroir_sink_conflict"]);
    }
    let rewind = tool.run(&["cdc", "rewind", "feed", "--index", "films", "--since", "0", "--json"]).await;
    let refusal: Value = serde_json::from_str(&rewind.stdout).unwrap();
    assert_eq!(refusal["code"], "miroir_sink_conflict");
    rewind.badly(4);
}

#[tokio::test]
async fn control_of_a_sink() {
    // A receiver that accepts everything.
    let receiver = Canned::start("204 No Content", "", "").await;
    let secret = "whsec_dGhpcyBpcyBubyBzZWNyZXQgYXQgYWxsLCBmb3IgdGVzdHM=";
    let sink = json!({
        "name": "hook", "kind": "webhook", "url": receiver.url, "secrets": [secret], "allow_private": true
    });
    let cluster = miroir_e2e::Cluster::builder().configuration(json!({ "cdc": { "sinks": [sink] } }));
    let cluster = cluster.start().await.unwrap();
    let tool = Tool::new(cluster.client().base_url());
    contains(&tool.text(&["cdc", "pause", "hook"]).await, &["paused"]);
    assert_eq!(tool.json(&["cdc", "pause", "hook"]).await["state"], "paused");
    contains(&tool.text(&["cdc", "resume", "hook"]).await, &["active"]);
    assert_eq!(tool.json(&["cdc", "resume", "hook"]).await["state"], "active");
    let film = json!([{ "id": 1 }]);
    cluster.client().write("POST", "/indexes/films/documents?primaryKey=id", film).await.unwrap();
    let rewind = ["cdc", "rewind", "hook", "--index", "films", "--since", "0"];
    contains(&tool.text(&rewind).await, &["films"]);
    assert_eq!(tool.json(&rewind).await["name"], "hook");
}

#[tokio::test]
async fn topology() {
    let mut fixture = Fixture::new().await;
    let tool = fixture.tool.clone();
    contains(
        &tool.text(&["topology", "show"]).await,
        &["replication factor:", "node-1", "node-2", "healthy"],
    );
    let shown = tool.json(&["topology", "show"]).await;
    assert_eq!(shown["groups"][0]["nodes"][1]["id"], "node-2");
    assert_eq!(tool.text(&["topology", "ready"]).await, "ready\n");
    assert_eq!(tool.json(&["topology", "ready"]).await, fixture.get("/_miroir/ready").await);
    for node in 0..2 {
        fixture.cluster.node(node).kill().await.unwrap();
    }
    miroir_e2e::until("Miroir is not ready", || async {
        (tool.run(&["topology", "ready", "--json"]).await.code != 0).then_some(())
    })
    .await;
    let ended = tool.run(&["topology", "ready", "--json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&ended.stdout).unwrap()["ready"], false);
    contains(&ended.badly(7), &["not ready\n  shards"]);
}

#[tokio::test]
async fn nodes() {
    let mut fixture = Fixture::new().await;
    let tool = fixture.tool.clone();
    contains(&tool.text(&["node", "list"]).await, &["INCARNATION", "node-1", "node-2", "healthy", "1.50.0"]);
    let listed = tool.json(&["node", "list"]).await;
    assert!(listed["groups"][0]["nodes"][0]["incarnation"].is_string(), "{listed}");
    contains(&tool.text(&["node", "adopt", "node-1"]).await, &["adopted node-1: healthy"]);
    assert_eq!(tool.json(&["node", "adopt", "node-2"]).await["id"], "node-2");
    contains(&tool.run(&["node", "reset", "node-1"]).await.badly(4), &["its data belongs to the cluster"]);
    assert_eq!(tool.run(&["node", "adopt", "nobody"]).await.code, 3);
    fixture.cluster.miroir().terminate().await.unwrap();
    let accepted = fixture.cluster.miroir().run(&["topology", "accept"]).await.unwrap();
    assert_eq!(accepted, "The configuration has the accepted topology.\n");
    let accepted = fixture.cluster.miroir().run(&["topology", "accept", "--json"]).await.unwrap();
    let accepted: Value = serde_json::from_str(&accepted).unwrap();
    assert_eq!(accepted, json!({ "changes": [], "replicas": 0, "accepted": true }));
}

#[tokio::test]
async fn instances_and_leases() {
    let fixture = Fixture::new().await;
    contains(&fixture.tool.text(&["topology", "shards", "films"]).await, &["SHARD", "node-1", "node-2"]);
    let shards = fixture.tool.json(&["topology", "shards"]).await;
    assert_eq!(shards, fixture.get("/_miroir/shards").await);
    assert_eq!(shards["results"].as_array().unwrap().len() as u64, shards["shardCount"].as_u64().unwrap());
    assert_eq!(fixture.tool.run(&["topology", "shards", "absent"]).await.code, 3);
    contains(&fixture.tool.text(&["topology", "replicas"]).await, &["All replicas are in sync."]);
    assert_eq!(fixture.tool.json(&["topology", "replicas"]).await["results"], json!([]));
    contains(&fixture.tool.text(&["topology", "instances"]).await, &["yes", "writes"]);
    let shown = fixture.tool.json(&["topology", "instances"]).await;
    assert_eq!(shown, fixture.get("/_miroir/instances").await);
    contains(&fixture.tool.text(&["lease", "list"]).await, &["There are no leases."]);
    let leases = r#"{"results":[{"role":"writes","holder":"miroir-0","token":3,"expiresAt":"2026-11-27T12:00:00.000Z"}]}"#;
    let server = Canned::start("200 OK", "", leases).await;
    let tool = Tool::new(&server.url);
    contains(&tool.text(&["lease", "list"]).await, &["writes", "miroir-0", "2026-11-27 12:00:00"]);
    assert_eq!(tool.run(&["lease", "list", "--json"]).await.well(), format!("{leases}\n"));
}

#[tokio::test]
async fn jobs() {
    let fixture = Fixture::new().await;
    let tool = &fixture.tool;
    contains(
        &tool.text(&["job", "list", "--limit", "1"]).await,
        &["move-1", "queued", "0 of 3", "--from move-1"],
    );
    let rest = tool.json(&["job", "list", "--from", "move-1"]).await;
    assert_eq!(rest, fixture.get("/_miroir/jobs?after=move-1").await);
    contains(&tool.text(&["job", "show", "move-2"]).await, &["queued", r#"{"shard":3}"#]);
    assert_eq!(tool.json(&["job", "show", "move-2"]).await, fixture.get("/_miroir/jobs/move-2").await);
    contains(&tool.text(&["job", "cancel", "move-1"]).await, &["canceled"]);
    // A repetition, as after a lost response.
    assert_eq!(tool.json(&["job", "cancel", "move-1"]).await["state"], "canceled");
    contains(
        &tool.run(&["job", "cancel", "none"]).await.badly(3),
        &["Job `none` not found.", "miroir_job_not_found"],
    );
}
