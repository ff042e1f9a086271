//! What a terminal gets to see: colours where it wants them, progress, and nothing it would obey from anyone else.

use miroir_e2e::{PATIENCE, program};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use crate::canned::Canned;
use crate::stage::Stage;
use crate::tool::Tool;

/// Runs its arguments with a terminal for input, output and errors, and passes on what that shows.
const PSEUDO_TERMINAL: &str =
    "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";

/// What a terminal shows of a run, and the exit code.
async fn shown(tool: &Tool, arguments: &[&str], environment: &[(&str, &str)]) -> (String, Option<i32>) {
    let path = program().await.unwrap().as_std().get_program().to_owned();
    let mut command = Command::new("python3");
    command.arg("-c").arg(PSEUDO_TERMINAL).arg(path).args(arguments).stdin(std::process::Stdio::null());
    command.env("TERM", "xterm").env_remove("NO_COLOR").envs(tool.environment());
    let output = command.envs(environment.iter().copied()).kill_on_drop(true).output();
    let output = timeout(PATIENCE, output).await.expect("it ends").unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

const GREEN: &str = "\u{1b}[32m";

#[tokio::test]
async fn colours_are_for_terminals_that_want_them() {
    let stage = Stage::new().await;
    let list = ["task", "list"];
    let (coloured, code) = shown(&stage.tool, &list, &[]).await;
    assert_eq!(code, Some(0), "{coloured}");
    assert!(coloured.contains(&format!("{GREEN}succeeded\u{1b}[0m")), "{coloured:?}");
    for environment in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let (plain, _) = shown(&stage.tool, &list, &[environment]).await;
        assert!(plain.contains("succeeded") && !plain.contains('\u{1b}'), "{environment:?}: {plain:?}");
    }
    // `Tool::text` holds that nothing else than a terminal gets any.
    stage.tool.text(&list).await;
}

#[tokio::test]
async fn progress_is_shown_on_a_terminal_and_gone_in_the_end() {
    let mut stage = Stage::new().await;
    for node in stage.cluster.nodes() {
        node.simulated().unwrap().control().pause_tasks();
    }
    let path = "/indexes/films/documents";
    let accepted = stage.client.call("POST", path, json!([{ "id": 9 }])).await.unwrap().expect(202).unwrap();
    let uid = accepted["taskUid"].to_string();
    let (seen, code) = shown(&stage.tool, &["task", "wait", &uid, "--within", "1"], &[]).await;
    assert_eq!(code, Some(8), "{seen:?}");
    assert!(seen.contains("0 of 2 nodes done"), "{seen:?}");
    let error = seen.find("miroir: task").expect("an error in the end");
    assert!(seen[..error].ends_with("\r\u{1b}[2K"), "{seen:?}");
    // Where nobody looks, nothing is written over and over.
    let ended = stage.tool.run(&["task", "wait", &uid, "--within", "1"]).await;
    assert_eq!((ended.stdout.as_str(), ended.stderr.lines().count()), ("", 1), "{ended:#?}");
}

/// Everything a client can name or say, in the places where a person reads it.
#[tokio::test]
async fn what_clients_wrote_cannot_command_the_terminal() {
    let stage = Stage::new().await;
    let evil = "x\u{1b}]0;owned\u{7}\u{9b}2J\u{202e}\r\ny";
    // The server takes no control characters in a name, and these two are none.
    let canary = json!({
        "id": "evil", "name": "x\u{202e}y\u{2066}", "index": "films", "intervalSeconds": 3600, "query": { "q": evil },
        "assertions": [{ "type": "top_hit_id", "id": 2 }],
    });
    stage.admin.call("POST", "/_miroir/canaries", canary).await.unwrap().expect(201).unwrap();
    let request = stage.client.request("POST", "/indexes/films/documents").unwrap();
    let request = request.query(&[("customMetadata", evil)]).json(&json!([{ "id": evil }]));
    let accepted = stage.client.send(request).await.unwrap().expect(202).unwrap();
    let uid = accepted["taskUid"].to_string();
    stage.tool.run(&["task", "wait", &uid]).await.badly_cleaned(7);

    // `Tool::text` holds that no control character is in it.
    for command in [&["canary", "list"][..], &["canary", "show", "evil"], &["canary", "status"]] {
        stage.tool.text(command).await;
    }
    let shown_task = stage.tool.text(&["task", "show", &uid]).await;
    assert!(shown_task.contains("\\u{1b}]0;owned\\u{7}"), "{shown_task}");
    stage.tool.text(&["task", "list"]).await;
    stage.tool.run(&["canary", "show", evil]).await.badly_cleaned(1);
    stage.tool.run(&["job", "show", evil]).await.badly_cleaned(3);

    // JSON on a terminal says the same in letters; elsewhere it is what the server sent.
    let raw = json!({ "results": [{ "name": "a\u{9b}2J\u{202e}" }] }).to_string();
    let server = Canned::start("200 OK", "", &raw).await;
    let tool = Tool::new(&server.url);
    assert_eq!(tool.run(&["alias", "list", "--json"]).await.well(), format!("{raw}\n"));
    let (seen, _) = shown(&tool, &["alias", "list", "--json"], &[]).await;
    assert!(!seen.contains(['\u{9b}', '\u{202e}', '\u{1b}']), "{seen:?}");
    let said: Value = serde_json::from_str(seen.trim()).unwrap();
    assert_eq!(said.to_string(), raw);
}
