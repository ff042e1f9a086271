//! `cdc follow`: changes as they come, across a restart of Miroir, until the reader has seen enough.

use miroir_e2e::PATIENCE;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;

use crate::stage::Stage;

/// A command that goes on, and the lines it prints. Killed when it is dropped.
struct Following {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Following {
    async fn start(stage: &Stage, arguments: &[&str]) -> Self {
        let mut child = stage.tool.command(arguments).await.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    async fn line(&mut self) -> String {
        let line = timeout(PATIENCE, self.lines.next_line()).await.expect("a line comes");
        line.unwrap().expect("it goes on")
    }
}

#[tokio::test]
async fn follow_goes_on_where_it_was_when_miroir_is_back() {
    let mut stage = Stage::new().await;
    let mut programs = Following::start(&stage, &["cdc", "follow", "films", "--from-start", "--json"]).await;
    let mut people = Following::start(&stage, &["cdc", "follow", "films", "--since", "0"]).await;
    let first: Value = serde_json::from_str(&programs.line().await).unwrap();
    assert_eq!((&first["id"], &first["data"]["primaryKeys"]), (&json!("films:1"), &json!(["1", "2"])));
    assert!(people.line().await.ends_with("films:1  document.upserted  1, 2"));

    stage.cluster.miroir().terminate().await.unwrap();
    stage.cluster.miroir().start().await.unwrap();
    stage.write(&json!([{ "id": 3 }])).await;
    let next: Value = serde_json::from_str(&programs.line().await).unwrap();
    assert_eq!(next["id"], "films:2");
    assert!(people.line().await.contains("films:2"));
}

#[tokio::test]
async fn follow_begins_now_and_ends_well_when_nobody_reads_any_more() {
    let stage = Stage::new().await;
    let mut following = Following::start(&stage, &["cdc", "follow", "films"]).await;
    // It begins with what comes after it has asked, so something is written until it has.
    let mut line = None;
    for id in 10..10_000 {
        stage.write(&json!([{ "id": id }])).await;
        let soon = std::time::Duration::from_millis(50);
        if let Ok(read) = timeout(soon, following.lines.next_line()).await {
            line = read.unwrap();
            break;
        }
    }
    let line = line.expect("a line came");
    assert!(!line.contains("films:1 "), "what was there before is not told: {line}");

    let Following { mut child, lines } = following;
    drop(lines);
    let ended = async {
        let mut id = 20_000;
        loop {
            stage.write(&json!([{ "id": id }])).await;
            id += 1;
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
        }
    };
    assert!(timeout(PATIENCE, ended).await.expect("it ends").success());
}

#[tokio::test]
async fn follow_without_a_feed_says_what_is_missing() {
    let cluster = miroir_e2e::Cluster::builder().start().await.unwrap();
    let tool = crate::tool::Tool::new(cluster.client().base_url());
    let said = tool.run(&["cdc", "follow", "films", "--json"]).await.badly(3);
    assert!(said.contains("miroir_sink_not_found"), "{said}");
}
