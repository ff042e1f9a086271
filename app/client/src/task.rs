//! `miroir task`: the tasks of writes.

use std::time::Duration;

use clap::Subcommand;
use serde_json::Value;
use tokio::time::Instant;

use crate::client::{Request, Response};
use crate::failure::Failure;
use crate::output::{self, View};
use crate::page::{Page, next_page};
use crate::progress::Progress;
use crate::session::Session;
use crate::table::{Cell, Table, fields};
use crate::text::clean;
use crate::value::{MISSING, duration, entries, error, text, time, time_from};

/// The first pause between two polls of a task, short because most tasks are. It doubles with each poll.
const MIN_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between two polls of a task.
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// The longest outage of Miroir during a wait, in which another instance can take over.
const MAX_OUTAGE: Duration = Duration::from_mins(1);

/// The commands of `miroir task`.
#[derive(Debug, Subcommand)]
pub enum TaskCommand {
    /// List tasks, newest first. Needs the master key.
    List {
        /// Options of the page.
        #[command(flatten)]
        page: Page,
        /// Only tasks with this status. Can be repeated.
        #[arg(long, value_name = "STATUS", value_parser = ["enqueued", "processing", "succeeded", "failed", "canceled"])]
        status: Vec<String>,
        /// Only tasks of this type, such as `documentAdditionOrUpdate`. Can be repeated.
        #[arg(long = "type", value_name = "TYPE")]
        kind: Vec<String>,
        /// Only tasks of this index or alias. Can be repeated.
        #[arg(long, value_name = "INDEX")]
        index: Vec<String>,
        /// List the oldest tasks first.
        #[arg(long)]
        reverse: bool,
    },
    /// Show a task with its node tasks.
    Show {
        /// Uid of the task.
        uid: u32,
    },
    /// Wait for tasks to end. Exits with 7 if one failed or was canceled, and with 8 after a timeout.
    Wait {
        /// Uids of the tasks.
        #[arg(required = true)]
        uids: Vec<u32>,
        /// Timeout of the whole wait in seconds. Default: none.
        #[arg(long, value_name = "SECONDS")]
        within: Option<u32>,
    },
}

/// Runs a command of `miroir task`.
pub async fn run(session: Session, command: TaskCommand) -> Result<(), Failure> {
    match command {
        TaskCommand::List { page, status, kind, index, reverse } => {
            let several = |values: Vec<String>| (!values.is_empty()).then(|| values.join(","));
            let request = Request::get(&["tasks"])
                .query("limit", &page.limit)
                .maybe("from", page.from)
                .maybe("statuses", several(status))
                .maybe("types", several(kind))
                .maybe("indexUids", several(index))
                .maybe("reverse", reverse.then_some(true));
            session.show(request, list).await
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

/// Waits for all tasks to end, and prints them in the order of `uids`.
async fn wait(session: &Session, uids: &[u32], deadline: Option<Instant>) -> Result<(), Failure> {
    let progress = Progress::new();
    let mut ended = Vec::new();
    for (position, uid) in uids.iter().enumerate() {
        let label = format!("task {uid} ({} of {})", position + 1, uids.len());
        let response = ended_task(session, *uid, &label, deadline, &progress).await?;
        if session.output.json {
            progress.clear();
            session.output.json(&response.body)?;
        }
        ended.push(response.value()?);
    }
    progress.clear();
    if !session.output.json {
        output::lines(&table(&ended, &session.output.view()))?;
    }
    let failed: Vec<String> = ended
        .iter()
        .filter(|task| task["status"] != "succeeded")
        .map(|task| format!("{} {}", text(&task["uid"]), text(&task["status"])))
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::Unhealthy(format!("not all tasks succeeded: {}", clean(&failed.join(", ")))))
}

/// Polls a task until it has ended.
async fn ended_task(
    session: &Session,
    uid: u32,
    label: &str,
    deadline: Option<Instant>,
    progress: &Progress,
) -> Result<Response, Failure> {
    let (begun, uid) = (Instant::now(), uid.to_string());
    let (mut pause, mut last_response) = (MIN_PAUSE, None::<Instant>);
    loop {
        match session.send(Request::get(&["_miroir", "tasks", &uid])).await {
            Ok(response) => {
                let task = response.value()?;
                if !matches!(task["status"].as_str(), Some("enqueued" | "processing")) {
                    return Ok(response);
                }
                last_response = Some(Instant::now());
                let waited = crate::time::duration(begun.elapsed());
                progress.say(&format!("{label}: {}, {}, {waited}", text(&task["status"]), nodes_done(&task)));
            }
            // Retries only after a response, so that a wrong URL fails at once.
            Err(failure)
                if failure.is_transient()
                    && last_response.is_some_and(|last| last.elapsed() < MAX_OUTAGE) =>
            {
                progress.say(&format!("{label}: Miroir is unavailable, retrying"));
            }
            Err(failure) => return Err(failure),
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(Failure::TimedOut(format!(
                "{label} has not ended in time. `miroir task show {uid}` shows its state"
            )));
        }
        tokio::time::sleep(left.map_or(pause, |left| pause.min(left))).await;
        pause = (pause * 2).min(MAX_PAUSE);
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
    format!("{page}\n\n{shown} of {} tasks.{}", text(&list["total"]), next_page(list))
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
            Cell::number(duration(&task["startedAt"], &task["finishedAt"])),
            Cell::free(error(&task["error"])),
        ]);
    }
    table.render(view, "There are no tasks.")
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
        ("took", Cell::new(duration(&task["startedAt"], &task["finishedAt"]))),
        ("details", Cell::new(text(&task["details"]))),
    ];
    for (name, value) in [
        ("error", error(&task["error"])),
        ("canceled by", text(&task["canceledBy"])),
        ("metadata", text(&task["customMetadata"])),
    ] {
        if value != MISSING {
            pairs.push((name, Cell::new(value)));
        }
    }
    format!("{}\n\n{}", fields(pairs, view), nodes(task, view))
}

/// Returns a table of the node tasks, followed by the nodes that missed the write.
fn nodes(task: &Value, view: &View) -> String {
    let mut table = Table::new(&["NODE", "STATUS", "NODE TASK", "SHARDS", "TOOK", "ERROR"]);
    for (node, part) in task["nodeTasks"].as_object().into_iter().flatten() {
        table.row([
            Cell::new(node),
            Cell::status(text(&part["status"])),
            Cell::number(text(&part["uid"])),
            Cell::free(shards(&part["shards"])),
            Cell::number(duration(&part["startedAt"], &part["finishedAt"])),
            Cell::new(error(&part["error"])),
        ]);
    }
    for (node, miss) in task["nodeErrors"].as_object().into_iter().flatten() {
        table.row([
            Cell::new(node),
            Cell::status("missed"),
            Cell::number(MISSING),
            Cell::free(shards(&miss["shards"])),
            Cell::number(MISSING),
            Cell::new(error(&miss["error"])),
        ]);
    }
    table.render(view, "It has no node tasks.")
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

    const VIEW: View = View { colors: false, now: Timestamp::EPOCH };

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
    fn list_and_detail_show_all_without_control_characters() {
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
    fn list_and_detail_accept_responses_of_other_versions() {
        assert!(list(&json!({}), &VIEW).starts_with("There are no tasks."));
        assert!(detail(&json!({ "uid": 1 }), &VIEW).contains("no node tasks"));
    }

    #[test]
    fn nodes_done_counts_nodes() {
        assert_eq!(nodes_done(&task()), "1 of 1 nodes done");
        assert_eq!(nodes_done(&Value::Null), "0 of 0 nodes done");
    }
}
