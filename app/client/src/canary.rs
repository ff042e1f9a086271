//! `miroir canary`: stored searches with assertions, and what their runs found.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::canary_text::{changed, detail, history, list, overview, run_line, started};
use crate::client::Request;
use crate::definition;
use crate::failure::Failure;
use crate::output;
use crate::page::Page;
use crate::progress::Progress;
use crate::session::Session;
use crate::text::clean;
use crate::value::{entries, text};

const CANARIES: [&str; 2] = ["_miroir", "canaries"];
/// How many canaries are asked for at once where all are wanted.
const WHOLE_PAGE: u32 = 1_000;

/// The commands of `miroir canary`.
#[derive(Debug, Subcommand)]
pub enum CanaryCommand {
    /// List canaries in the order of their ids.
    List(Page),
    /// Show a canary's definition.
    Show {
        /// Its id.
        id: String,
    },
    /// Create or replace the canary that a file defines.
    Put(PutArguments),
    /// Delete a canary with its runs.
    Delete {
        /// Its id.
        id: String,
    },
    /// Run canaries now, enabled or not. Ends with 7 when one does not pass.
    Run {
        /// Their ids.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<String>,
        /// Every canary that is enabled.
        #[arg(long)]
        all: bool,
    },
    /// Show the last runs of a canary, newest first.
    Runs {
        /// Its id.
        id: String,
        /// How many to show, 1 to 1000.
        #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000), default_value_t = 20)]
        limit: u32,
    },
    /// Show how every canary fares.
    Status {
        /// End with 7 when one that is enabled did not pass its last run or is overdue.
        #[arg(long)]
        check: bool,
    },
    /// Make drafts of the next different searches that clients send to an index.
    Capture {
        /// The index or alias.
        index: String,
        /// How many, 1 to 100.
        #[arg(long, value_name = "COUNT", default_value_t = 10)]
        count: u32,
        /// What the names of the drafts begin with.
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
}

/// The arguments of `miroir canary put`.
#[derive(Debug, Args)]
pub struct PutArguments {
    /// The definition in JSON or YAML, also as `canary show --json` prints it; `-` reads it from standard input.
    file: PathBuf,
    /// The id, where the file names none. Without one, the server makes one.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Only if there is one with this version. Ends with 4 if it has another.
    #[arg(long, value_name = "VERSION")]
    if_version: Option<u64>,
}

fn at(id: &str) -> [&str; 3] {
    [CANARIES[0], CANARIES[1], id]
}

/// Runs a command of `miroir canary`.
pub async fn run(session: Session, command: CanaryCommand) -> Result<(), Failure> {
    match command {
        CanaryCommand::List(page) => session.show(page.ask(&CANARIES), list).await,
        CanaryCommand::Show { id } => session.show(Request::get(&at(&id)), detail).await,
        CanaryCommand::Put(arguments) => put(&session, arguments).await,
        CanaryCommand::Delete { id } => {
            session.done(Request::delete(&at(&id)), &format!("Canary `{id}` is deleted.")).await
        }
        CanaryCommand::Run { ids, all } => {
            let ids = if all { enabled(&session).await? } else { ids };
            run_all(&session, &ids).await
        }
        CanaryCommand::Runs { id, limit } => {
            let path = [CANARIES[0], CANARIES[1], id.as_str(), "runs"];
            session.show(Request::get(&path).query("limit", &limit), history).await
        }
        CanaryCommand::Status { check } => status(&session, check).await,
        CanaryCommand::Capture { index, count, name } => {
            let mut body = json!({ "index": index, "count": count });
            if let Some(name) = name {
                body["name"] = name.into();
            }
            session.show(Request::post(&at("capture")).body(body), started).await
        }
    }
}

async fn put(session: &Session, arguments: PutArguments) -> Result<(), Failure> {
    let mut definition = definition::read(&arguments.file)?;
    // What `show --json` tells beyond the definition is taken out, so that it can be edited and put back.
    for told in ["configured", "createdAt", "version"] {
        definition.remove(told);
    }
    let named = definition.get("id").and_then(Value::as_str).map(str::to_owned);
    let ask = match arguments.id.or(named) {
        Some(id) => {
            let body = Value::Object(definition);
            return session
                .show(Request::put(&at(&id)).body(body).if_version(arguments.if_version), changed)
                .await;
        }
        None if arguments.if_version.is_some() => {
            return Err(Failure::Usage(
                "--if-version needs the id of a canary, in the file or by --id".to_owned(),
            ));
        }
        None => Request::post(&CANARIES).body(Value::Object(definition)),
    };
    session.show(ask, changed).await
}

/// The ids of all canaries that are enabled, page by page.
async fn enabled(session: &Session) -> Result<Vec<String>, Failure> {
    let mut ids = Vec::new();
    let mut after = None::<String>;
    loop {
        let ask = Request::get(&CANARIES).query("limit", &WHOLE_PAGE).maybe("after", after.as_ref());
        let page = session.ask(ask).await?.value()?;
        let of_page = entries(&page["results"]).iter().filter(|canary| canary["enabled"] == true);
        ids.extend(of_page.map(|canary| text(&canary["id"])));
        match page["next"].as_str() {
            Some(next) if after.as_deref() != Some(next) => after = Some(next.to_owned()),
            _ => return Ok(ids),
        }
    }
}

/// Runs one after the other and prints each run as it comes, in the order of the ids.
async fn run_all(session: &Session, ids: &[String]) -> Result<(), Failure> {
    let progress = Progress::new();
    let columns = ids.iter().map(|id| super::text::width(&clean(id))).max().unwrap_or(0);
    let mut bad = Vec::new();
    for (position, id) in ids.iter().enumerate() {
        progress.say(&format!("running {id} ({} of {})", position + 1, ids.len()));
        let path = [CANARIES[0], CANARIES[1], id.as_str(), "run"];
        let answer = session.ask(Request::post(&path)).await;
        progress.clear();
        let answer = answer?;
        session.output.answer(&answer, |run, view| run_line(id, columns, run, view))?;
        if answer.value()?["status"] != "pass" {
            bad.push(clean(id));
        }
    }
    match bad.len() {
        0 if ids.is_empty() && !session.output.json => output::lines("No canary is enabled."),
        0 => Ok(()),
        count => Err(Failure::Bad(format!("{count} of {} did not pass: {}", ids.len(), bad.join(", ")))),
    }
}

async fn status(session: &Session, check: bool) -> Result<(), Failure> {
    let answer = session.ask(Request::get(&at("status"))).await?;
    session.output.answer(&answer, overview)?;
    let value = answer.value()?;
    let unwell = |canary: &&Value| {
        let failed = canary["lastStatus"].as_str().is_some_and(|status| status != "pass");
        canary["enabled"] == true && (failed || canary["overdue"] == true)
    };
    let bad: Vec<String> =
        entries(&value["results"]).iter().filter(unwell).map(|canary| clean(&text(&canary["id"]))).collect();
    if check && !bad.is_empty() {
        return Err(Failure::Bad(format!("not well: {}", bad.join(", "))));
    }
    Ok(())
}
