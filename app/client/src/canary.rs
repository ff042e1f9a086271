//! `miroir canary`: stored searches with assertions, and their runs.

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
use crate::text::{clean, width};
use crate::value::{entries, text};

const CANARIES: [&str; 2] = ["_miroir", "canaries"];
/// The page size to list all canaries.
const PAGE_SIZE: u32 = 1_000;

/// The commands of `miroir canary`.
#[derive(Debug, Subcommand)]
pub enum CanaryCommand {
    /// List canaries in order of their ids.
    List(Page),
    /// Show the definition of a canary.
    Show {
        /// Id of the canary.
        id: String,
    },
    /// Create or replace a canary from a file.
    Put(PutArguments),
    /// Delete a canary and its runs.
    Delete {
        /// Id of the canary.
        id: String,
    },
    /// Run canaries now, even disabled ones. Exits with 7 if one does not pass.
    Run {
        /// Ids of the canaries.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<String>,
        /// Run all enabled canaries.
        #[arg(long)]
        all: bool,
    },
    /// List the runs of a canary, newest first.
    Runs {
        /// Id of the canary.
        id: String,
        /// Maximum number of runs, 1 to 1000.
        #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000), default_value_t = 20)]
        limit: u32,
    },
    /// Show the status of all canaries.
    Status {
        /// Exit with 7 if an enabled canary did not pass its last run or is overdue.
        #[arg(long)]
        check: bool,
    },
    /// Create drafts from the next distinct searches of clients on an index.
    Capture {
        /// Name of the index or alias.
        index: String,
        /// Number of drafts, 1 to 100.
        #[arg(long, value_name = "COUNT", default_value_t = 10)]
        count: u32,
        /// Prefix of the names of the drafts.
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
}

/// The arguments of `miroir canary put`.
#[derive(Debug, Args)]
pub struct PutArguments {
    /// File with the definition in JSON or YAML, such as the output of `canary show --json`. `-` is standard
    /// input.
    file: PathBuf,
    /// Id of the canary. Default: the id in the file, else the server generates one.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Replace the canary only if it has this version. Otherwise exit with 4.
    #[arg(long, value_name = "VERSION")]
    if_version: Option<u64>,
}

fn at(id: &str) -> [&str; 3] {
    [CANARIES[0], CANARIES[1], id]
}

/// Runs a command of `miroir canary`.
pub async fn run(session: Session, command: CanaryCommand) -> Result<(), Failure> {
    match command {
        CanaryCommand::List(page) => session.show(page.request(&CANARIES), list).await,
        CanaryCommand::Show { id } => session.show(Request::get(&at(&id)), detail).await,
        CanaryCommand::Put(arguments) => put(&session, arguments).await,
        CanaryCommand::Delete { id } => {
            session.done(Request::delete(&at(&id)), &format!("Deleted canary `{id}`.")).await
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
    // Fields of `show --json` beyond the definition are removed, so that its output can be edited and put.
    for field in ["configured", "createdAt", "version"] {
        definition.remove(field);
    }
    let named = definition.get("id").and_then(Value::as_str).map(str::to_owned);
    let request = match arguments.id.or(named) {
        Some(id) => {
            let body = Value::Object(definition);
            return session
                .show(Request::put(&at(&id)).body(body).if_version(arguments.if_version), changed)
                .await;
        }
        None if arguments.if_version.is_some() => {
            return Err(Failure::Usage(
                "--if-version needs the id of a canary, in the file or as --id".to_owned(),
            ));
        }
        None => Request::post(&CANARIES).body(Value::Object(definition)),
    };
    session.show(request, changed).await
}

/// Returns the ids of all enabled canaries.
async fn enabled(session: &Session) -> Result<Vec<String>, Failure> {
    let mut ids = Vec::new();
    let mut after = None::<String>;
    loop {
        let request = Request::get(&CANARIES).query("limit", &PAGE_SIZE).maybe("after", after.as_ref());
        let page = session.send(request).await?.value()?;
        let of_page = entries(&page["results"]).iter().filter(|canary| canary["enabled"] == true);
        ids.extend(of_page.map(|canary| text(&canary["id"])));
        match page["next"].as_str() {
            Some(next) if after.as_deref() != Some(next) => after = Some(next.to_owned()),
            _ => return Ok(ids),
        }
    }
}

/// Runs the canaries one after the other, in the order of the ids, and prints each run when it ends.
async fn run_all(session: &Session, ids: &[String]) -> Result<(), Failure> {
    let progress = Progress::new();
    let columns = ids.iter().map(|id| width(&clean(id))).max().unwrap_or(0);
    let mut failed = Vec::new();
    for (position, id) in ids.iter().enumerate() {
        progress.say(&format!("running {id} ({} of {})", position + 1, ids.len()));
        let path = [CANARIES[0], CANARIES[1], id.as_str(), "run"];
        let response = session.send(Request::post(&path)).await;
        progress.clear();
        let response = response?;
        session.output.response(&response, |run, view| run_line(id, columns, run, view))?;
        if response.value()?["status"] != "pass" {
            failed.push(clean(id));
        }
    }
    match failed.len() {
        0 if ids.is_empty() && !session.output.json => output::lines("No canary is enabled."),
        0 => Ok(()),
        count => {
            Err(Failure::Unhealthy(format!("{count} of {} did not pass: {}", ids.len(), failed.join(", "))))
        }
    }
}

async fn status(session: &Session, check: bool) -> Result<(), Failure> {
    let response = session.send(Request::get(&at("status"))).await?;
    session.output.response(&response, overview)?;
    let value = response.value()?;
    let is_unhealthy = |canary: &&Value| {
        let failed = canary["lastStatus"].as_str().is_some_and(|status| status != "pass");
        canary["enabled"] == true && (failed || canary["overdue"] == true)
    };
    let unhealthy: Vec<String> = entries(&value["results"])
        .iter()
        .filter(is_unhealthy)
        .map(|canary| clean(&text(&canary["id"])))
        .collect();
    if check && !unhealthy.is_empty() {
        return Err(Failure::Unhealthy(format!("unhealthy: {}", unhealthy.join(", "))));
    }
    Ok(())
}
