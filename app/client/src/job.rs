//! `miroir job`: long-running background work.

use clap::Subcommand;
use serde_json::Value;

use crate::client::Request;
use crate::failure::Failure;
use crate::output::View;
use crate::page::{Page, next_page};
use crate::session::Session;
use crate::table::{Cell, Table, fields};
use crate::value::{entries, text, time_from};

const JOBS: [&str; 2] = ["_miroir", "jobs"];

/// The commands of `miroir job`.
#[derive(Debug, Subcommand)]
pub enum JobCommand {
    /// List jobs in order of their ids.
    List(Page),
    /// Show a job.
    Show {
        /// Id of the job.
        id: String,
    },
    /// Cancel a job on any instance. Exits with 4 if it has already ended.
    Cancel {
        /// Id of the job.
        id: String,
    },
}

fn at(id: &str) -> [&str; 3] {
    [JOBS[0], JOBS[1], id]
}

/// Runs a command of `miroir job`.
pub async fn run(session: Session, command: JobCommand) -> Result<(), Failure> {
    match command {
        JobCommand::List(page) => session.show(page.request(&JOBS), list).await,
        JobCommand::Show { id } => session.show(Request::get(&at(&id)), detail).await,
        JobCommand::Cancel { id } => session.show(Request::delete(&at(&id)), detail).await,
    }
}

fn list(list: &Value, view: &View) -> String {
    let mut table = Table::new(&[
        "ID",
        "TYPE",
        "STATE",
        "CLAIMED BY",
        "CLAIM ENDS (UTC)",
        "ATTEMPTS",
        "PROGRESS",
        "LAST ERROR",
    ]);
    for job in entries(&list["results"]) {
        table.row([
            Cell::new(text(&job["id"])),
            Cell::new(text(&job["type"])),
            Cell::status(text(&job["state"])),
            Cell::free(text(&job["claim"]["claimedBy"])),
            Cell::new(time_from(&job["claim"]["expiresAt"], view)),
            Cell::number(attempts(job)),
            Cell::free(text(&job["progress"])),
            Cell::free(text(&job["lastError"])),
        ]);
    }
    format!("{}{}", table.render(view, "There are no jobs."), next_page(list))
}

fn detail(job: &Value, view: &View) -> String {
    let pairs = [
        ("id", Cell::new(text(&job["id"]))),
        ("type", Cell::new(text(&job["type"]))),
        ("state", Cell::status(text(&job["state"]))),
        ("claimed by", Cell::new(text(&job["claim"]["claimedBy"]))),
        ("claim ends", Cell::new(time_from(&job["claim"]["expiresAt"], view))),
        ("token", Cell::new(text(&job["claim"]["token"]))),
        ("attempts", Cell::new(attempts(job))),
        ("progress", Cell::new(text(&job["progress"]))),
        ("last error", Cell::new(text(&job["lastError"]))),
        ("params", Cell::new(text(&job["params"]))),
    ];
    fields(pairs, view)
}

fn attempts(job: &Value) -> String {
    format!("{} of {}", text(&job["attempts"]), text(&job["maxAttempts"]))
}

#[cfg(test)]
mod tests {
    use miroir_domain::Timestamp;
    use serde_json::json;

    use super::*;

    #[test]
    fn list_and_detail_show_the_claim() {
        let view = View { colors: false, now: Timestamp::EPOCH };
        let job = json!({
            "id": "move-1", "type": "move", "state": "claimed", "attempts": 1, "maxAttempts": 3,
            "claim": { "claimedBy": "one", "expiresAt": "1970-01-01T00:00:04.000Z", "token": 9 },
            "progress": { "done": 3 }, "lastError": "a\u{1b}[31m", "params": {},
        });
        let page = list(&json!({ "results": [job], "next": null }), &view);
        for part in ["1 of 3", "(in 4.0 s)", "a\\u{1b}[31m", r#"{"done":3}"#] {
            assert!(page.contains(part), "{part}: {page}");
        }
        let shown = detail(&job, &view);
        assert!(shown.contains("token:") && shown.contains('9'), "{shown}");
        let waiting = json!({ "id": "j", "state": "queued", "claim": null });
        assert!(detail(&waiting, &view).contains("claimed by:  -"));
    }
}
