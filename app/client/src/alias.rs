//! `miroir alias`: aliases of indexes.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::client::Request;
use crate::failure::Failure;
use crate::output::View;
use crate::page::{Page, next_page};
use crate::session::Session;
use crate::table::{Cell, Table, fields};
use crate::text::clean;
use crate::value::{entries, text, time, time_from};

const ALIASES: [&str; 2] = ["_miroir", "aliases"];

/// The commands of `miroir alias`.
#[derive(Debug, Subcommand)]
pub enum AliasCommand {
    /// List aliases in order of their names.
    List(Page),
    /// Show an alias, its version and its former targets.
    Show {
        /// Name of the alias.
        name: String,
    },
    /// Create an alias for one index, or for several that are searched together.
    Create {
        /// Name of the alias.
        name: String,
        /// The target index, or several.
        #[arg(required = true)]
        targets: Vec<String>,
        /// Allow target indexes that do not exist.
        #[arg(long)]
        allow_missing: bool,
    },
    /// Change the target of an alias atomically.
    Flip {
        /// Name of the alias.
        name: String,
        /// The new target index.
        target: String,
        /// Change the alias only if it has this version. Otherwise exit with 4.
        #[arg(long, value_name = "VERSION")]
        if_version: Option<u64>,
        /// Allow a target index that does not exist.
        #[arg(long)]
        allow_missing: bool,
    },
    /// Exchange the targets of two aliases atomically.
    Swap {
        /// Name of one alias.
        first: String,
        /// Name of the other alias.
        second: String,
    },
    /// Delete an alias, but not its indexes.
    Delete {
        /// Name of the alias.
        name: String,
    },
}

fn at(name: &str) -> [&str; 3] {
    [ALIASES[0], ALIASES[1], name]
}

/// Runs a command of `miroir alias`.
pub async fn run(session: Session, command: AliasCommand) -> Result<(), Failure> {
    match command {
        AliasCommand::List(page) => session.show(page.request(&ALIASES), list).await,
        AliasCommand::Show { name } => session.show(Request::get(&at(&name)), detail).await,
        AliasCommand::Create { name, targets, allow_missing } => {
            let mut body = json!({ "name": name, "requireTargetExists": !allow_missing });
            match targets.as_slice() {
                [target] => body["target"] = json!(target),
                several => body["targets"] = json!(several),
            }
            session.show(Request::post(&ALIASES).body(body), changed).await
        }
        AliasCommand::Flip { name, target, if_version, allow_missing } => {
            let body = json!({ "target": target, "requireTargetExists": !allow_missing });
            session.show(Request::put(&at(&name)).body(body).if_version(if_version), changed).await
        }
        AliasCommand::Swap { first, second } => {
            let request = Request::post(&at("_swap")).body(json!({ "aliases": [first, second] }));
            session.show(request, list).await
        }
        AliasCommand::Delete { name } => {
            session.done(Request::delete(&at(&name)), &format!("Deleted alias `{name}`.")).await
        }
    }
}

fn list(list: &Value, view: &View) -> String {
    let mut table = Table::new(&["NAME", "TARGET", "VERSION", "CREATED (UTC)"]);
    for alias in entries(&list["results"]) {
        table.row([
            Cell::new(text(&alias["name"])),
            Cell::free(target(alias)),
            Cell::number(text(&alias["version"])),
            Cell::new(time(&alias["createdAt"])),
        ]);
    }
    format!("{}{}", table.render(view, "There are no aliases."), next_page(list))
}

fn changed(alias: &Value, _: &View) -> String {
    let sentence = format!(
        "Alias `{}` points to {} (version {}).",
        text(&alias["name"]),
        target(alias),
        text(&alias["version"])
    );
    clean(&sentence)
}

fn detail(alias: &Value, view: &View) -> String {
    let pairs = [
        ("name", Cell::new(text(&alias["name"]))),
        ("target", Cell::new(target(alias))),
        ("version", Cell::new(text(&alias["version"]))),
        ("created", Cell::new(time_from(&alias["createdAt"], view))),
    ];
    let mut table = Table::new(&["VERSION", "FORMER TARGET", "UNTIL (UTC)"]);
    for state in entries(&alias["history"]) {
        table.row([
            Cell::number(text(&state["version"])),
            Cell::free(target(state)),
            Cell::new(time_from(&state["endedAt"], view)),
        ]);
    }
    format!("{}\n\n{}", fields(pairs, view), table.render(view, "It has no former targets."))
}

fn target(alias: &Value) -> String {
    match &alias["targets"] {
        Value::Array(several) => several.iter().map(text).collect::<Vec<_>>().join(", "),
        _ => text(&alias["target"]),
    }
}

#[cfg(test)]
mod tests {
    use miroir_domain::Timestamp;

    use super::*;

    #[test]
    fn detail_shows_targets_and_history() {
        let view = View { colors: false, now: Timestamp::EPOCH };
        let state = json!({ "target": "v1", "version": 1, "endedAt": "1970-01-01T00:00:00.000Z" });
        let single = json!({ "name": "films", "target": "v2", "version": 2, "history": [state] });
        let multi = json!({ "name": "all\u{1b}", "targets": ["a", "b"], "version": 1, "history": [] });
        let page = list(&json!({ "results": [single, multi], "next": "it's" }), &view);
        assert!(page.contains("a, b") && page.contains("all\\u{1b}"), "{page}");
        assert!(page.ends_with(r"--from 'it'\''s'"), "{page}");
        let shown = detail(&single, &view);
        assert!(shown.contains("v1") && shown.contains("1970-01-01 00:00:00"), "{shown}");
        assert!(detail(&multi, &view).contains("no former targets"));
        assert_eq!(changed(&single, &view), "Alias `films` points to v2 (version 2).");
    }
}
