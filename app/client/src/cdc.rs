//! `miroir cdc`: who is told of changes, and the changes themselves.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::client::Request;
use crate::event_text::event_line;
use crate::failure::Failure;
use crate::follow::{CHANGES, Start, follow};
use crate::output::{self, View};
use crate::session::Session;
use crate::table::{Cell, Table, fields};
use crate::text::clean;
use crate::value::{NOTHING, bytes, entries, text, time_from};

const SINKS: [&str; 3] = ["_miroir", "cdc", "sinks"];

/// The commands of `miroir cdc`.
#[derive(Debug, Subcommand)]
pub enum CdcCommand {
    /// List the sinks and how each is doing.
    List,
    /// Show a sink, and how far it is with each index.
    Show {
        /// Its name.
        sink: String,
    },
    /// Stop delivering to a sink. Its events wait, within its budget.
    Pause {
        /// Its name.
        sink: String,
    },
    /// Deliver to a sink again, also to one whose receiver wanted no more.
    Resume {
        /// Its name.
        sink: String,
    },
    /// Deliver events again, as far as they are held.
    Rewind {
        /// The sink's name.
        sink: String,
        /// The index.
        #[arg(long, value_name = "INDEX")]
        index: String,
        /// The number after which events are delivered again.
        #[arg(long, value_name = "NUMBER")]
        since: u64,
    },
    /// Show changes of an index that are held, from the oldest on. Needs a sink of the kind `internal`.
    Changes {
        /// The index.
        index: String,
        /// Only what follows this number.
        #[arg(long, value_name = "NUMBER")]
        since: Option<u64>,
        /// How many to show, 1 to 1000.
        #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000), default_value_t = 20)]
        limit: u32,
    },
    /// Show changes of an index as they come, until Ctrl-C. With `--json`, an event a line.
    Follow {
        /// The index.
        index: String,
        /// Begin after this number; without it, with what comes from now on.
        #[arg(long, value_name = "NUMBER", conflicts_with = "from_start")]
        since: Option<u64>,
        /// Begin with the oldest change that is held.
        #[arg(long)]
        from_start: bool,
    },
}

fn steer<'a>(sink: &'a str, action: &'a str) -> [&'a str; 5] {
    [SINKS[0], SINKS[1], SINKS[2], sink, action]
}

/// Runs a command of `miroir cdc`.
pub async fn run(session: Session, command: CdcCommand) -> Result<(), Failure> {
    match command {
        CdcCommand::List => session.show(Request::get(&SINKS), list).await,
        CdcCommand::Show { sink } => show(&session, &sink).await,
        CdcCommand::Pause { sink } => session.show(Request::post(&steer(&sink, "pause")), detail).await,
        CdcCommand::Resume { sink } => session.show(Request::post(&steer(&sink, "resume")), detail).await,
        CdcCommand::Rewind { sink, index, since } => {
            let body = json!({ "index": index, "since": since });
            session.show(Request::post(&steer(&sink, "rewind")).body(body), detail).await
        }
        CdcCommand::Changes { index, since, limit } => {
            let ask = Request::get(&CHANGES)
                .query("index", &index)
                .query("limit", &limit)
                .query("wait", &0)
                .maybe("since", since);
            session.show(ask, |page, _| changes(&index, page)).await
        }
        CdcCommand::Follow { index, since, from_start } => {
            let start = match since {
                Some(number) => Start::After(number),
                None if from_start => Start::Oldest,
                None => Start::Now,
            };
            follow(&session, &index, start).await
        }
    }
}

/// One sink of the list: there is no route of its own.
async fn show(session: &Session, name: &str) -> Result<(), Failure> {
    let list = session.ask(Request::get(&SINKS)).await?.value()?;
    let named = |sink: &&Value| sink["name"] == name;
    let Some(sink) = entries(&list["results"]).iter().find(named) else {
        return Err(Failure::Refused {
            status: http::StatusCode::NOT_FOUND,
            message: format!("There is no sink `{}`; `miroir cdc list` shows them.", clean(name)),
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
        "HELD",
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
    table.render(view, "There are no sinks: `cdc.sinks` of the configuration names them.")
}

fn detail(sink: &Value, view: &View) -> String {
    let held = format!("{} events, {}", text(&sink["backlogEvents"]), bytes(&sink["backlogBytes"]));
    let mut pairs = vec![
        ("name", Cell::new(text(&sink["name"]))),
        ("kind", Cell::new(text(&sink["kind"]))),
        ("state", Cell::status(text(&sink["state"]))),
        ("since", Cell::new(time_from(&sink["changedAt"], view))),
        ("waiting", Cell::new(format!("{} events", text(&sink["lag"])))),
        ("held", Cell::new(held)),
        ("dropped", Cell::new(text(&sink["dropped"]))),
        ("published", Cell::new(text(&sink["published"]))),
        ("suppressed", Cell::new(text(&sink["suppressed"]))),
        ("failures", Cell::new(text(&sink["failures"]))),
    ];
    for (name, value) in [("reason", &sink["reason"]), ("last error", &sink["lastError"])] {
        if text(value) != NOTHING {
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
    format!("{}\n\n{}", fields(pairs, view), table.render(view, "It was told nothing yet."))
}

fn changes(index: &str, page: &Value) -> String {
    let mut lines: Vec<String> = entries(&page["results"]).iter().map(event_line).collect();
    if lines.is_empty() {
        lines.push("There are no such changes.".to_owned());
    }
    if page["next"].as_u64() < page["last"].as_u64() {
        let index = super::text::shell_word(index);
        let next = text(&page["next"]);
        lines.push(format!("\nThere are more: miroir cdc changes {index} --since {}", clean(&next)));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use miroir_domain::Timestamp;

    use super::*;

    const VIEW: View = View { colours: false, now: Timestamp::EPOCH };

    fn event(data: &Value) -> Value {
        json!({ "id": "films:42", "type": "io.miroir.document.deleted", "time": "1970-01-01T00:00:00Z", "data": data })
    }

    #[test]
    fn events_are_a_line_each_whatever_is_in_them() {
        for (data, expected) in [
            (json!({ "primaryKeys": ["11", "1\u{1b}[2J\n2"] }), "11, 1\\u{1b}[2J\\u{a}2"),
            (json!({ "all": true }), "all documents"),
            (json!({ "filter": "year < 1950" }), "filter year < 1950"),
            (json!({ "from": 1, "to": 7 }), r#"{"from":1,"to":7}"#),
        ] {
            let line = event_line(&event(&data));
            assert_eq!(line, format!("1970-01-01 00:00:00  films:42  document.deleted  {expected}"));
        }
    }

    #[test]
    fn pages_of_changes_tell_how_to_go_on() {
        let page = json!({ "results": [event(&json!({ "all": true }))], "next": 42, "last": 44 });
        assert!(changes("films", &page).ends_with("miroir cdc changes films --since 42"));
        let end = json!({ "results": [], "next": 44, "last": 44 });
        assert_eq!(changes("films", &end), "There are no such changes.");
    }

    #[test]
    fn sinks_are_shown_with_their_positions() {
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
