//! Output on a terminal: colours where they are wanted, progress, and no control sequences from other
//! sources.

use miroir_e2e::{TIMEOUT, program};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use crate::canned::Canned;
use crate::fixture::Fixture;
use crate::tool::Tool;

/// Python script that runs its arguments with a terminal for input, output and errors, and prints the output.
const PSEUDO_TERMINAL: &str =
    "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";

/// Runs the program on a terminal and returns its output and its exit code.
async fn shown(tool: &Tool, arguments: &[&str], environment: &[(&str, &str)]) -> (String, Option<i32>) {
    let path = program().await.unwrap().as_std().get_program().to_owned();
    let mut command = Command::new("python3");
    command.arg("-c").arg(PSEUDO_TERMINAL).arg(path).args(arguments).stdin(std::process::Stdio::null());
    command.env("TERM", "xterm").env_remove("NO_COLOR").envs(tool.environment());
    let output = command.envs(environment.iter().copied()).kill_on_drop(true).output();
    let output = timeout(TIMEOUT, output).await.expect("an exit within the timeout").unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

const GREEN: &str = "\u{1b}[32m";

#[tokio::test]
async fn colours_are_printed_on_terminals_that_support_them() {
    let fixture = Fixture::new().await;
    let list = ["task", "list"];
    let (coloured, code) = shown(&fixture.tool, &list, &[]).await;
    assert_eq!(code, Some(0), "{coloured}");
    assert!(coloured.contains(&format!("{GREEN}succeeded\u{1b}[0m")), "{coloured:?}");
    for environment in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let (plain, _) = shown(&fixture.tool, &list, &[environment]).await;
        assert!(plain.contains("succeeded") && !plain.contains('\u{1b}'), "{environment:?}: {plain:?}");
    }
    // `Tool::text` asserts that output elsewhere has no colours.
    fixture.tool.text(&list).await;
}

#[tokio::test]
async fn progress_is_shown_on_a_terminal_and_erased_at_the_end() {
    let mut fixture = Fixture::new().await;
    for node in fixture.cluster.nodes() {
        node.simulated().unwrap().control().pause_tasks();
    }
    let path = "/indexes/films/documents";
    let accepted =
        fixture.client.call("POST", path, json!([{ "id": 9 }])).await.unwrap().expect(202).unwrap();
    let uid = accepted["taskUid"].to_string();
    let (seen, code) = shown(&fixture.tool, &["task", "wait", &uid, "--within", "1"], &[]).await;
    assert_eq!(code, Some(8), "{seen:?}");
    assert!(seen.contains("0 of 2 nodes done"), "{seen:?}");
    let error = seen.find("miroir: task").expect("an error at the end");
    assert!(seen[..error].ends_with("\r\u{1b}[2K"), "{seen:?}");
    // Without a terminal no progress is printed.
    let ended = fixture.tool.run(&["task", "wait", &uid, "--within", "1"]).await;
    assert_eq!((ended.stdout.as_str(), ended.stderr.lines().count()), ("", 1), "{ended:#?}");
}

/// All texts that clients can choose are printed without control characters.
#[tokio::test]
async fn texts_of_clients_cannot_control_the_terminal() {
    let fixture = Fixture::new().await;
    let evil = "x\u{1b}]0;owned\u{7}\u{9b}2J\u{202e}\r\ny";
    // The server refuses control characters in a name; these two are not among them.
    let canary = json!({
        "id": "evil", "name": "x\u{202e}y\u{2066}", "index": "films", "intervalSeconds": 3600, "query": { "q": evil },
        "assertions": [{ "type": "top_hit_id", "id": 2 }],
    });
    fixture.admin.call("POST", "/_miroir/canaries", canary).await.unwrap().expect(201).unwrap();
    let request = fixture.client.request("POST", "/indexes/films/documents").unwrap();
    let request = request.query(&[("customMetadata", evil)]).json(&json!([{ "id": evil }]));
    let accepted = fixture.client.send(request).await.unwrap().expect(202).unwrap();
    let uid = accepted["taskUid"].to_string();
    fixture.tool.run(&["task", "wait", &uid]).await.badly_cleaned(7);

    // `Tool::text` asserts that the output has no control characters.
    for command in [&["canary", "list"][..], &["canary", "show", "evil"], &["canary", "status"]] {
        fixture.tool.text(command).await;
    }
    let shown_task = fixture.tool.text(&["task", "show", &uid]).await;
    assert!(shown_task.contains("\\u{1b}]0;owned\\u{7}"), "{shown_task}");
    fixture.tool.text(&["task", "list"]).await;
    fixture.tool.run(&["canary", "show", evil]).await.badly_cleaned(1);
    fixture.tool.run(&["job", "show", evil]).await.badly_cleaned(3);

    // JSON on a terminal is escaped; elsewhere it equals the response of the server.
    let raw = json!({ "results": [{ "name": "a\u{9b}2J\u{202e}" }] }).to_string();
    let server = Canned::start("200 OK", "", &raw).await;
    let tool = Tool::new(&server.url);
    assert_eq!(tool.run(&["alias", "list", "--json"]).await.well(), format!("{raw}\n"));
    let (seen, _) = shown(&tool, &["alias", "list", "--json"], &[]).await;
    assert!(!seen.contains(['\u{9b}', '\u{202e}', '\u{1b}']), "{seen:?}");
    let parsed: Value = serde_json::from_str(seen.trim()).unwrap();
    assert_eq!(parsed.to_string(), raw);
}
