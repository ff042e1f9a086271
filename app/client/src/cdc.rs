//! `miroir cdc`: the sinks of change events, and the events themselves.

use clap::Subcommand;
use miroir_domain::change::FeedPosition;
use serde_json::{Value, json};

use crate::client::Request;
use crate::event_text::event_line;
use crate::failure::Failure;
use crate::follow::{CHANGES, Start, follow};
use crate::output::{self, View};
use crate::session::Session;
use crate::table::{Cell, Table, fields};
use crate::text::{clean, shell_word};
use crate::value::{MISSING, bytes, entries, text, time_from};

const SINKS: [&str; 3] = ["_miroir", "cdc", "sinks"];

/// The commands of `miroir cdc`.
#[derive(Debug, Subcommand)]
pub enum CdcCommand {
    /// List sinks with their state.
    List,
    /// Show a sink with its position in each index.
    Show {
        /// Name of the sink.
        sink: String,
    },
    /// Pause deliveries to a sink. Its events are stored, within its budget.
    Pause {
        /// Name of the sink.
        sink: String,
    },
    /// Resume deliveries to a paused or disabled sink.
    Resume {
        /// Name of the sink.
        sink: String,
    },
    /// Deliver stored events to a sink again.
    Rewind {
        /// Name of the sink.
        sink: String,
        /// Name of the index.
        #[arg(long, value_name = "INDEX")]
        index: String,
        /// Deliver events after this number again.
        #[arg(long, value_name = "NUMBER")]
        since: u64,
    },
    /// List stored changes of an index, oldest first. Needs a sink of kind `internal`.
    Changes {
        /// Name of the index.
        index: String,
        /// Show only changes after this number, or epoch and number such as 1:42.
        #[arg(long, value_name = "POSITION")]
        since: Option<FeedPosition>,
        /// Maximum number of changes, 1 to 1000.
        #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000), default_value_t = 20)]
        limit: u32,
    },
    /// Print changes of an index as they happen, until Ctrl-C. With `--json`, one event per line.
    Follow {
        /// Name of the index.
        index: String,
        /// Start after this number, or epoch and number such as 1:42. Default: only new changes.
        #[arg(long, value_name = "POSITION", conflicts_with = "from_start")]
        since: Option<FeedPosition>,
        /// Start with the oldest stored change.
        #[arg(long)]
        from_start: bool,
    },
}

fn path<'a>(sink: &'a str, action: &'a str) -> [&'a str; 5] {
    [SINKS[0], SINKS[1], SINKS[2], sink, action]
}

/// Runs a command of `miroir cdc`.
pub async fn run(session: Session, command: CdcCommand) -> Result<(), Failure> {
    match command {
        CdcCommand::List => session.show(Request::get(&SINKS), list).await,
        CdcCommand::Show { sink } => show(&session, &sink).await,
        CdcCommand::Pause { sink } => session.show(Request::post(&path(&sink, "pause")), detail).await,
        CdcCommand::Resume { sink } => session.show(Request::post(&path(&sink, "resume")), detail).await,
        CdcCommand::Rewind { sink, index, since } => {
            let body = json!({ "index": index, "since": since });
            session.show(Request::post(&path(&sink, "rewind")).body(body), detail).await
        }
        CdcCommand::Changes { index, since, limit } => {
            let request = Request::get(&CHANGES)
                .query("index", &index)
                .query("limit", &limit)
                .query("wait", &0)
                .maybe("since", since);
            session.show(request, |page, _| changes(&index, page)).await
        }
        CdcCommand::Follow { index, since, from_start } => {
            let start = match since {
                Some(position) => Start::After(position),
                None if from_start => Start::Oldest,
                None => Start::Now,
            };
            follow(&session, &index, start).await
        }
    }
}

/// Shows one sink of the list, because there is no route for one sink.
async fn show(session: &Session, name: &str) -> Result<(), Failure> {
    let list = session.send(Request::get(&SINKS)).await?.value()?;
    let named = |sink: &&Value| sink["name"] == name;
    let Some(sink) = entries(&list["results"]).iter().find(named) else {
        return Err(Failure::Refused {
            status: http::StatusCode::NOT_FOUND,
            message: format!("Sink `{}` not found. `miroir cdc list` lists all sinks.", clean(name)),
            body: String::new(),
        });
    };
    if session.output.json {
        return session.output.json(&sink.to_string());
    }
    output::lines(&detail(sink, &session.output.view()))
}

fn list(list: &Value, view: &View) -> String {
    let mut table = Table::new(&[
        "NAME",
        "KIND",
        "STATE",
        "WAITING",
        "STORED",
        "DROPPED",
        "PUBLISHED",
        "FAILURES",
        "LAST ERROR",
    ]);
    for sink in entries(&list["results"]) {
        table.row([
            Cell::new(text(&sink["name"])),
            Cell::new(text(&sink["kind"])),
            Cell::status(text(&sink["state"])),
            Cell::number(text(&sink["lag"])),
            Cell::number(bytes(&sink["backlogBytes"])),
            Cell::number(text(&sink["dropped"])),
            Cell::number(text(&sink["published"])),
            Cell::number(text(&sink["failures"])),
            Cell::free(text(&sink["lastError"])),
        ]);
    }
    table.render(view, "There are no sinks. Configure them under `cdc.sinks`.")
}

fn detail(sink: &Value, view: &View) -> String {
    let stored = format!("{} events, {}", text(&sink["backlogEvents"]), bytes(&sink["backlogBytes"]));
    let mut pairs = vec![
        ("name", Cell::new(text(&sink["name"]))),
        ("kind", Cell::new(text(&sink["kind"]))),
        ("state", Cell::status(text(&sink["state"]))),
        ("since", Cell::new(time_from(&sink["changedAt"], view))),
        ("waiting", Cell::new(format!("{} events", text(&sink["lag"])))),
        ("stored", Cell::new(stored)),
        ("dropped", Cell::new(text(&sink["dropped"]))),
        ("published", Cell::new(text(&sink["published"]))),
        ("suppressed", Cell::new(text(&sink["suppressed"]))),
        ("failures", Cell::new(text(&sink["failures"]))),
    ];
    for (name, value) in [("reason", &sink["reason"]), ("last error", &sink["lastError"])] {
        if text(value) != MISSING {
            pairs.push((name, Cell::new(text(value))));
        }
    }
    let mut table = Table::new(&["INDEX", "CONFIRMED", "LAST", "DROPPED UP TO"]);
    for position in entries(&sink["indexes"]) {
        table.row([
            Cell::new(text(&position["index"])),
            Cell::number(text(&position["confirmed"])),
            Cell::number(text(&position["last"])),
            Cell::number(text(&position["trimmedTo"])),
        ]);
    }
    format!("{}\n\n{}", fields(pairs, view), table.render(view, "It has no events yet."))
}

fn changes(index: &str, page: &Value) -> String {
    let mut lines: Vec<String> = entries(&page["results"]).iter().map(event_line).collect();
    if lines.is_empty() {
        lines.push("There are no changes.".to_owned());
    }
    if page["next"].as_u64() < page["last"].as_u64() {
        let index = shell_word(index);
        let next = format!("{}:{}", text(&page["epoch"]), text(&page["next"]));
        lines.push(format!("\nNext page: miroir cdc changes {index} --since {}", clean(&next)));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use miroir_domain::Timestamp;

    use super::*;

    const VIEW: View = View { colors: false, now: Timestamp::EPOCH };

    fn event(data: &Value) -> Value {
        json!({ "id": "films:1:42", "type": "io.miroir.document.deleted", "time": "1970-01-01T00:00:00Z", "data": data })
    }

    #[test]
    fn event_line_is_one_line_for_any_content() {
        for (data, expected) in [
            (json!({ "primaryKeys": ["11", "1\u{1b}[2J\n2"] }), "11, 1\\u{1b}[2J\\u{a}2"),
            (json!({ "all": true }), "all documents"),
            (json!({ "filter": "year < 1950" }), "filter year < 1950"),
            (json!({ "from": 1, "to": 7 }), r#"{"from":1,"to":7}"#),
        ] {
            let line = event_line(&event(&data));
            assert_eq!(line, format!("1970-01-01 00:00:00  films:1:42  document.deleted  {expected}"));
        }
    }

    #[test]
    fn changes_shows_the_command_for_the_next_page() {
        let page = json!({ "results": [event(&json!({ "all": true }))], "epoch": 1, "next": 42, "last": 44 });
        assert!(changes("films", &page).ends_with("miroir cdc changes films --since 1:42"));
        let end = json!({ "results": [], "epoch": 1, "next": 44, "last": 44 });
        assert_eq!(changes("films", &end), "There are no changes.");
    }

    #[test]
    fn detail_shows_the_positions_of_a_sink() {
        let sink = json!({
            "name": "audit", "kind": "webhook", "state": "disabled", "reason": "gone\u{9b}", "lag": 3,
            "backlogEvents": 4, "backlogBytes": 2_048, "dropped": 0, "published": 9, "suppressed": 0, "failures": 1,
            "lastError": null, "indexes": [{ "index": "films", "confirmed": 41, "last": 44, "trimmedTo": 0 }],
        });
        let shown = detail(&sink, &VIEW);
        for part in ["4 events, 2.0 KiB", "gone\\u{9b}", "films", "41"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert!(!shown.contains("last error"));
        assert!(list(&json!({ "results": [sink] }), &VIEW).contains("2.0 KiB"));
        assert!(list(&json!({ "results": [] }), &VIEW).contains("cdc.sinks"));
    }
}
