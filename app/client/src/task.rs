//! `miroir task`: what became of writes.

use std::time::Duration;

use clap::Subcommand;
use serde_json::Value;
use tokio::time::Instant;

use crate::client::{Request, Response};
use crate::failure::Failure;
use crate::output::{self, View};
use crate::page::Page;
use crate::progress::Progress;
use crate::session::Session;
use crate::table::{Cell, Table, fields};
use crate::value::{NOTHING, entries, error, span, text, time, time_from};

/// The pauses between two looks at a task: short at first, since most tasks are.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long Miroir may be away while it is waited for a task: another instance may take over meanwhile.
const OUTAGE: Duration = Duration::from_mins(1);

/// The commands of `miroir task`.
#[derive(Debug, Subcommand)]
pub enum TaskCommand {
    /// List tasks, newest first. Needs the key that clients use.
    List {
        /// The page of the list.
        #[command(flatten)]
        page: Page,
        /// Only tasks in this state; may be repeated.
        #[arg(long, value_name = "STATUS", value_parser = ["enqueued", "processing", "succeeded", "failed", "canceled"])]
        status: Vec<String>,
        /// Only tasks of this type, such as `documentAdditionOrUpdate`; may be repeated.
        #[arg(long = "type", value_name = "TYPE")]
        kind: Vec<String>,
        /// Only tasks of this index or alias; may be repeated.
        #[arg(long, value_name = "INDEX")]
        index: Vec<String>,
        /// Oldest first.
        #[arg(long)]
        reverse: bool,
    },
    /// Show a task with what every node made of it.
    Show {
        /// Its uid.
        uid: u32,
    },
    /// Wait until tasks have ended. Ends with 7 when one failed or was canceled, with 8 when time is up.
    Wait {
        /// Their uids.
        #[arg(required = true)]
        uids: Vec<u32>,
        /// Seconds to wait at most; without it, as long as it takes.
        #[arg(long, value_name = "SECONDS")]
        within: Option<u32>,
    },
}

/// Runs a command of `miroir task`.
pub async fn run(session: Session, command: TaskCommand) -> Result<(), Failure> {
    match command {
        TaskCommand::List { page, status, kind, index, reverse } => {
            let several = |values: Vec<String>| (!values.is_empty()).then(|| values.join(","));
            let ask = Request::get(&["tasks"])
                .query("limit", &page.limit)
                .maybe("from", page.from)
                .maybe("statuses", several(status))
                .maybe("types", several(kind))
                .maybe("indexUids", several(index))
                .maybe("reverse", reverse.then_some(true));
            session.show(ask, list).await
        }
        TaskCommand::Show { uid } => {
            session.show(Request::get(&["_miroir", "tasks", &uid.to_string()]), detail).await
        }
        TaskCommand::Wait { uids, within } => {
            let deadline = within.map(|seconds| Instant::now() + Duration::from_secs(seconds.into()));
            wait(&session, &uids, deadline).await
        }
    }
}

/// Waits for one after the other, which ends when all have, and prints them in that order.
async fn wait(session: &Session, uids: &[u32], deadline: Option<Instant>) -> Result<(), Failure> {
    let progress = Progress::new();
    let mut ended = Vec::new();
    for (position, uid) in uids.iter().enumerate() {
        let place = format!("task {uid} ({} of {})", position + 1, uids.len());
        let answer = ended_task(session, *uid, &place, deadline, &progress).await?;
        if session.output.json {
            progress.clear();
            session.output.json(&answer.body)?;
        }
        ended.push(answer.value()?);
    }
    progress.clear();
    if !session.output.json {
        output::lines(&table(&ended, &session.output.view()))?;
    }
    let bad: Vec<String> = ended
        .iter()
        .filter(|task| task["status"] != "succeeded")
        .map(|task| format!("{} {}", text(&task["uid"]), text(&task["status"])))
        .collect();
    if bad.is_empty() {
        return Ok(());
    }
    Err(Failure::Bad(format!("not every task succeeded: {}", super::text::clean(&bad.join(", ")))))
}

async fn ended_task(
    session: &Session,
    uid: u32,
    place: &str,
    deadline: Option<Instant>,
    progress: &Progress,
) -> Result<Response, Failure> {
    let (begun, uid) = (Instant::now(), uid.to_string());
    let (mut pause, mut last_heard) = (FIRST_PAUSE, None::<Instant>);
    loop {
        match session.ask(Request::get(&["_miroir", "tasks", &uid])).await {
            Ok(answer) => {
                let task = answer.value()?;
                if !matches!(task["status"].as_str(), Some("enqueued" | "processing")) {
                    return Ok(answer);
                }
                last_heard = Some(Instant::now());
                let waited = super::time::span(begun.elapsed());
                progress.say(&format!("{place}: {}, {}, {waited}", text(&task["status"]), nodes_done(&task)));
            }
            // Only what has answered before is waited for: a wrong URL is told at once.
            Err(failure)
                if failure.may_pass() && last_heard.is_some_and(|heard| heard.elapsed() < OUTAGE) =>
            {
                progress.say(&format!("{place}: Miroir is away, trying again"));
            }
            Err(failure) => return Err(failure),
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(Failure::TimeUp(format!(
                "{place} has not ended yet; `miroir task show {uid}` tells why"
            )));
        }
        tokio::time::sleep(left.map_or(pause, |left| pause.min(left))).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn nodes_done(task: &Value) -> String {
    let nodes = task["nodeTasks"].as_object();
    let ended = |node: &&Value| matches!(node["status"].as_str(), Some("succeeded" | "failed" | "canceled"));
    let done = nodes.map_or(0, |nodes| nodes.values().filter(ended).count());
    format!("{done} of {} nodes done", nodes.map_or(0, serde_json::Map::len))
}

fn list(list: &Value, view: &View) -> String {
    let page = table(entries(&list["results"]), view);
    let shown = entries(&list["results"]).len();
    format!("{page}\n\n{shown} of {} tasks.{}", text(&list["total"]), crate::page::next_page(list))
}

fn table(tasks: &[Value], view: &View) -> String {
    let mut table = Table::new(&["UID", "STATUS", "TYPE", "INDEX", "ENQUEUED (UTC)", "TOOK", "ERROR"]);
    for task in tasks {
        table.row([
            Cell::number(text(&task["uid"])),
            Cell::status(text(&task["status"])),
            Cell::new(text(&task["type"])),
            Cell::free(text(&task["indexUid"])),
            Cell::new(time(&task["enqueuedAt"])),
            Cell::number(span(&task["startedAt"], &task["finishedAt"])),
            Cell::free(error(&task["error"])),
        ]);
    }
    table.render(view, "There are no such tasks.")
}

fn detail(task: &Value, view: &View) -> String {
    let mut pairs = vec![
        ("uid", Cell::new(text(&task["uid"]))),
        ("status", Cell::status(text(&task["status"]))),
        ("type", Cell::new(text(&task["type"]))),
        ("index", Cell::new(text(&task["indexUid"]))),
        ("enqueued", Cell::new(time_from(&task["enqueuedAt"], view))),
        ("started", Cell::new(time_from(&task["startedAt"], view))),
        ("finished", Cell::new(time_from(&task["finishedAt"], view))),
        ("took", Cell::new(span(&task["startedAt"], &task["finishedAt"]))),
        ("details", Cell::new(text(&task["details"]))),
    ];
    for (name, value) in [
        ("error", error(&task["error"])),
        ("canceled by", text(&task["canceledBy"])),
        ("metadata", text(&task["customMetadata"])),
    ] {
        if value != NOTHING {
            pairs.push((name, Cell::new(value)));
        }
    }
    format!("{}\n\n{}", fields(pairs, view), nodes(task, view))
}

/// Every node with its part, and after them those that missed the write.
fn nodes(task: &Value, view: &View) -> String {
    let mut table = Table::new(&["NODE", "STATUS", "NODE TASK", "SHARDS", "TOOK", "ERROR"]);
    for (node, part) in task["nodeTasks"].as_object().into_iter().flatten() {
        table.row([
            Cell::new(node),
            Cell::status(text(&part["status"])),
            Cell::number(text(&part["uid"])),
            Cell::free(shards(&part["shards"])),
            Cell::number(span(&part["startedAt"], &part["finishedAt"])),
            Cell::new(error(&part["error"])),
        ]);
    }
    for (node, miss) in task["nodeErrors"].as_object().into_iter().flatten() {
        table.row([
            Cell::new(node),
            Cell::status("missed"),
            Cell::number(NOTHING),
            Cell::free(shards(&miss["shards"])),
            Cell::number(NOTHING),
            Cell::new(error(&miss["error"])),
        ]);
    }
    table.render(view, "No node had a part in it.")
}

fn shards(shards: &Value) -> String {
    let numbers: Vec<String> = entries(shards).iter().map(text).collect();
    if numbers.is_empty() { text(shards) } else { numbers.join(",") }
}

#[cfg(test)]
mod tests {
    use miroir_domain::Timestamp;
    use serde_json::json;

    use super::*;

    const VIEW: View = View { colours: false, now: Timestamp::EPOCH };

    fn task() -> Value {
        json!({
            "uid": 7, "indexUid": "films\u{1b}[2J", "status": "failed", "type": "documentAdditionOrUpdate",
            "enqueuedAt": "1970-01-01T00:00:00.000Z", "startedAt": "1970-01-01T00:00:01.000Z",
            "finishedAt": "1970-01-01T00:00:02.500Z", "error": { "code": "c", "message": "no\nway \u{9b}31m" },
            "nodeTasks": { "node-1": { "uid": 3, "status": "failed", "shards": [0, 5] } },
            "nodeErrors": { "node-2": { "error": { "code": "e", "message": "away" }, "shards": [1] } },
        })
    }

    #[test]
    fn lists_and_details_show_everything_and_obey_nothing() {
        let page = list(&json!({ "results": [task()], "total": 312, "next": 6 }), &VIEW);
        assert!(
            page.contains("films\\u{1b}[2J") && page.contains("1.5 s") && page.contains("--from 6"),
            "{page}"
        );
        assert!(page.contains("1 of 312 tasks"), "{page}");
        let shown = detail(&task(), &VIEW);
        for part in ["node-1", "0,5", "missed", "e: away", "c: no\\u{a}way \\u{9b}31m"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        for text in [page, shown] {
            assert!(!text.chars().any(|character| character.is_control() && character != '\n'), "{text:?}");
        }
    }

    #[test]
    fn answers_of_other_versions_are_shown_as_far_as_they_go() {
        assert!(list(&json!({}), &VIEW).starts_with("There are no such tasks."));
        assert!(detail(&json!({ "uid": 1 }), &VIEW).contains("No node had a part"));
    }

    #[test]
    fn progress_counts_nodes() {
        assert_eq!(nodes_done(&task()), "1 of 1 nodes done");
        assert_eq!(nodes_done(&Value::Null), "0 of 0 nodes done");
    }
}
