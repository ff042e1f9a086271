//! Failures, with their exit codes and hints.

use std::time::Duration;

use miroir_test_server::free_address;
use serde_json::{Value, json};

use crate::canned::Canned;
use crate::fixture::Fixture;
use crate::tool::{Tool, contains};

#[tokio::test]
async fn refused_keys_name_the_setting() {
    let fixture = Fixture::new().await;
    let none = fixture.tool.with("MIROIR_ADMIN_API_KEY", "").with("MIROIR_API_KEY", "");
    let wrong = fixture.tool.with("MIROIR_ADMIN_API_KEY", "wrong-1").with("MIROIR_API_KEY", "wrong-2");
    for tool in [&none, &wrong] {
        contains(&tool.run(&["alias", "list"]).await.badly(5), &["MIROIR_ADMIN_API_KEY", "--admin-key-file"]);
        let ended = tool.run(&["task", "list", "--json"]).await;
        assert!(serde_json::from_str::<Value>(&ended.stdout).unwrap()["code"].is_string());
        contains(&ended.badly(5), &["MIROIR_API_KEY", "--api-key-file"]);
        // Readiness needs no key.
        tool.run(&["topology", "ready"]).await.well();
    }
    // A file overrides the variable.
    let folder = tempfile::tempdir().unwrap();
    for (flag, key, command) in [
        ("--admin-key-file", crate::tool::ADMIN_KEY, ["alias", "list"]),
        ("--api-key-file", crate::tool::MASTER_KEY, ["task", "list"]),
    ] {
        let file = folder.path().join(flag);
        std::fs::write(&file, format!("{key}\n")).unwrap();
        let file = file.to_str().unwrap();
        wrong.run(&[command.as_slice(), &[flag, file]].concat()).await.well();
        wrong.run(&[command[0], flag, file, command[1]]).await.well();
    }
    let ended = none.run(&["alias", "list", "--admin-key-file", "/no/such/file"]).await;
    contains(&ended.badly(2), &["/no/such/file"]);
}

#[tokio::test]
async fn unreachable_server_is_reported_with_its_address_and_its_setting() {
    let address = free_address();
    let url = format!("http://{address}");
    let ended = Tool::new(&url).run(&["topology", "show"]).await;
    contains(&ended.badly(6), &[&url, "refused", "--url", "MIROIR_URL"]);
    // The flag overrides the variable.
    let server = Canned::start("200 OK", "", r#"{"results":[]}"#).await;
    Tool::new(&url).run(&["alias", "list", "--url", &server.url]).await.well();
    for url in ["https://127.0.0.1:1", "127.0.0.1:7700", "http://me:very-secret@h"] {
        contains(&Tool::new(url).run(&["alias", "list"]).await.badly(2), &["http://127.0.0.1:7700"]);
    }
}

#[tokio::test]
async fn other_servers_are_not_mistaken_for_miroir() {
    let page = "<html>\u{1b}]0;owned\u{7}</html>";
    for (status, headers) in
        [("200 OK", ""), ("502 Bad Gateway", ""), ("301 Moved", "Location: http://h/\r\n")]
    {
        let server = Canned::start(status, headers, page).await;
        let ended = Tool::new(&server.url).run(&["alias", "list"]).await;
        assert_eq!(ended.stdout, "");
        contains(&ended.badly(1), &[&server.url, "Is this the URL of a Miroir server?"]);
    }
    // A Miroir of another version.
    let unknown = r#"{"message":"Not here.","code":"not_found","type":"invalid_request","link":"l"}"#;
    let server = Canned::start("404 Not Found", "", unknown).await;
    contains(&Tool::new(&server.url).run(&["lease", "list"]).await.badly(1), &["older than this program"]);
}

#[tokio::test]
async fn silent_server_times_out() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tool = Tool::new(&format!("http://{}", listener.local_addr().unwrap()));
    let ended = tool.run(&["topology", "show", "--timeout", "1"]).await;
    contains(&ended.badly(6), &["did not respond to GET /_miroir/topology within 1 s", "--timeout"]);
}

#[tokio::test]
async fn missing_and_conflicting_objects_have_exit_codes() {
    let fixture = Fixture::new().await;
    let tool = &fixture.tool;
    for (command, code) in [
        (&["task", "show", "4711"][..], "task_not_found"),
        (&["task", "wait", "4711"], "task_not_found"),
        (&["alias", "show", "none"], "miroir_alias_not_found"),
        (&["canary", "run", "none"], "miroir_canary_not_found"),
        (&["cdc", "pause", "none"], "miroir_sink_not_found"),
        (&["job", "show", "a/b ?"], "miroir_job_not_found"),
    ] {
        let ended = tool.run(command).await;
        contains(&ended.badly(3), &[code, "(404)", "see:"]);
    }
    contains(&tool.run(&["cdc", "show", "none"]).await.badly(3), &["miroir cdc list"]);
    tool.run(&["alias", "create", "cinema", "films"]).await.well();
    let taken = tool.run(&["alias", "create", "cinema", "films"]).await;
    contains(&taken.badly(4), &["miroir_alias_conflict", "(409)"]);
    let late = tool.run(&["alias", "flip", "cinema", "films", "--if-version", "9", "--json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&late.stdout).unwrap()["code"], "miroir_alias_version_mismatch");
    contains(&late.badly(4), &["(412)", "read the current version"]);
    contains(&tool.run(&["cdc", "changes", "films", "--since", "99"]).await.badly(1), &["(400)"]);
    for usage in [
        &["task", "show", "seven"][..],
        &["task", "list", "--limit", "0"],
        &["task"],
        &["alias", "create", "a"],
        &["canary", "run"],
        &["canary", "run", "a", "--all"],
    ] {
        assert_eq!(tool.run(usage).await.code, 2, "{usage:?}");
    }
    contains(&tool.run(&["alias", "show", ".."]).await.badly(2), &["`..` is not a valid name"]);
    contains(&tool.run(&["canary", "put", "/no/such/file"]).await.badly(2), &["/no/such/file"]);
}

#[tokio::test]
async fn waiting_distinguishes_failed_from_unfinished_tasks() {
    let mut fixture = Fixture::new().await;
    let path = "/indexes/films/documents";
    let failed = fixture.client.write("POST", path, json!([{ "id": "not valid!" }])).await.unwrap();
    let (failed, tool) = (failed["uid"].to_string(), fixture.tool.clone());
    let ended = tool.run(&["task", "wait", "0", &failed]).await;
    contains(&ended.stdout, &["succeeded", "failed", "invalid_document_id"]);
    contains(&ended.badly(7), &[&format!("{failed} failed")]);

    for node in fixture.cluster.nodes() {
        node.simulated().unwrap().control().pause_tasks();
    }
    let accepted =
        fixture.client.call("POST", path, json!([{ "id": 9 }])).await.unwrap().expect(202).unwrap();
    let uid = accepted["taskUid"].to_string();
    contains(
        &tool.run(&["task", "wait", &uid, "--within", "0"]).await.badly(8),
        &["has not ended in time", &uid],
    );
    let waiting = tokio::spawn({
        let (tool, uid) = (tool.clone(), uid.clone());
        async move { tool.run(&["task", "wait", &uid]).await }
    });
    for node in fixture.cluster.nodes() {
        node.simulated().unwrap().control().resume_tasks();
    }
    contains(&waiting.await.unwrap().well(), &["succeeded"]);
}

/// Another instance may take over meanwhile. The output still has one line for one task.
#[tokio::test]
async fn waiting_survives_a_restart_of_miroir() {
    let mut fixture = Fixture::new().await;
    for node in fixture.cluster.nodes() {
        node.simulated().unwrap().control().pause_tasks();
    }
    let path = "/indexes/films/documents";
    let accepted =
        fixture.client.call("POST", path, json!([{ "id": 9 }])).await.unwrap().expect(202).unwrap();
    let (tool, uid) = (fixture.tool.clone(), accepted["taskUid"].to_string());
    let waiting = tokio::spawn(async move { tool.run(&["task", "wait", &uid, "--json"]).await });
    let process = fixture.cluster.miroir().process();
    // The second request follows the first response.
    while process.log().matches("/_miroir/tasks/{task_uid}").count() < 2 {
        process.expect_running().unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    fixture.cluster.miroir().kill().await.unwrap();
    fixture.cluster.miroir().start().await.unwrap();
    for node in fixture.cluster.nodes() {
        node.simulated().unwrap().control().resume_tasks();
    }
    let printed = waiting.await.unwrap().well();
    let lines: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["status"]), (1, &json!("succeeded")), "{printed}");
}
