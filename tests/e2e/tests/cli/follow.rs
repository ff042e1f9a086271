//! `cdc follow`: prints changes across a restart of Miroir, until its reader closes the pipe.

use miroir_e2e::TIMEOUT;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;

use crate::fixture::Fixture;

/// A running command and its output. It is killed on drop.
struct Following {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Following {
    async fn start(fixture: &Fixture, arguments: &[&str]) -> Self {
        let mut child = fixture.tool.command(arguments).await.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    async fn line(&mut self) -> String {
        let line = timeout(TIMEOUT, self.lines.next_line()).await.expect("a line within the timeout");
        line.unwrap().expect("the output continues")
    }
}

#[tokio::test]
async fn follow_continues_after_a_restart_of_miroir() {
    let mut fixture = Fixture::new().await;
    let mut programs =
        Following::start(&fixture, &["cdc", "follow", "films", "--from-start", "--json"]).await;
    let mut people = Following::start(&fixture, &["cdc", "follow", "films", "--since", "0"]).await;
    let first: Value = serde_json::from_str(&programs.line().await).unwrap();
    assert_eq!((&first["id"], &first["data"]["primaryKeys"]), (&json!("films:1:1"), &json!(["1", "2"])));
    assert!(people.line().await.ends_with("films:1:1  document.upserted  1, 2"));

    fixture.cluster.miroir().terminate().await.unwrap();
    fixture.cluster.miroir().start().await.unwrap();
    fixture.write(&json!([{ "id": 3 }])).await;
    let next: Value = serde_json::from_str(&programs.line().await).unwrap();
    assert_eq!(next["id"], "films:1:2");
    assert!(people.line().await.contains("films:1:2"));
}

#[tokio::test]
async fn follow_begins_now_and_exits_with_zero_when_the_pipe_is_closed() {
    let fixture = Fixture::new().await;
    let mut following = Following::start(&fixture, &["cdc", "follow", "films"]).await;
    // The output begins after the first request, so this writes until a line appears.
    let mut line = None;
    for id in 10..10_000 {
        fixture.write(&json!([{ "id": id }])).await;
        let soon = std::time::Duration::from_millis(50);
        if let Ok(read) = timeout(soon, following.lines.next_line()).await {
            line = read.unwrap();
            break;
        }
    }
    let line = line.expect("a line");
    assert!(!line.contains("films:1:1 "), "earlier changes are not printed: {line}");

    let Following { mut child, lines } = following;
    drop(lines);
    let ended = async {
        let mut id = 20_000;
        loop {
            fixture.write(&json!([{ "id": id }])).await;
            id += 1;
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
        }
    };
    assert!(timeout(TIMEOUT, ended).await.expect("an exit within the timeout").success());
}

#[tokio::test]
async fn follow_without_a_feed_names_the_missing_sink() {
    let cluster = miroir_e2e::Cluster::builder().start().await.unwrap();
    let tool = crate::tool::Tool::new(cluster.client().base_url());
    let printed = tool.run(&["cdc", "follow", "films", "--json"]).await.badly(3);
    assert!(printed.contains("miroir_sink_not_found"), "{printed}");
}
