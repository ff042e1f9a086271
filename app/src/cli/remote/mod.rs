//! The commands that talk to a running Miroir: one file per group, over what they share.
//!
//! | | |
//! |---|---|
//! | `reach` | which Miroir, with which keys: flags and variables |
//! | `client` | one request, one answer, within its time |
//! | `failure` | why a command ends badly, with which exit code, and what to do about it |
//! | `output` | the server's JSON for programs, text for people |
//! | `table`, `text`, `time`, `value` | how text for people is made of JSON that others wrote |
//! | `definition`, `follow`, `canary_text` | files of definitions, changes as they come, canaries for people |
//! | `progress` | how far long work is, on a terminal |

pub(super) mod alias;
pub(super) mod canary;
mod canary_text;
pub(super) mod cdc;
mod client;
mod definition;
mod failure;
mod follow;
pub(super) mod job;
pub(super) mod lease;
mod output;
mod progress;
mod reach;
mod table;
pub(super) mod task;
mod text;
mod time;
pub(super) mod topology;
mod value;

use clap::{Args, Subcommand};

pub(super) use failure::Failure;

use client::{Client, Request, Response};
use output::{Output, View};
use reach::Reach;

/// One group of commands, and which Miroir they are for.
#[derive(Debug, Args)]
pub(super) struct Remote<C: Subcommand> {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    command: C,
}

impl<C: Subcommand> Remote<C> {
    /// Runs the command with `run`.
    pub(super) async fn run<F>(self, run: impl FnOnce(Session, C) -> F) -> anyhow::Result<()>
    where
        F: Future<Output = Result<(), Failure>>,
    {
        let session = Session { client: self.reach.client()?, output: Output::new(self.reach.json) };
        let ended = run(session, self.command).await;
        // A refusal is an answer too: programs get its body like any other.
        if let (true, Err(Failure::Refused { body, .. })) = (self.reach.json, &ended) {
            Output::new(true).json(body)?;
        }
        Ok(ended?)
    }
}

/// What a command works with.
pub(super) struct Session {
    client: Client,
    output: Output,
}

impl Session {
    /// Sends a request. A refusal is an error.
    async fn ask(&self, ask: Request<'_>) -> Result<Response, Failure> {
        let answer = self.client.send(ask).await?;
        answer.refusal().map_or(Ok(answer), Err)
    }

    /// Sends a request and prints what it is answered: as it is, or as `render` writes it for people.
    async fn show(
        &self,
        ask: Request<'_>,
        render: impl FnOnce(&serde_json::Value, &View) -> String,
    ) -> Result<(), Failure> {
        let answer = self.ask(ask).await?;
        self.output.answer(&answer, render)
    }

    /// Sends a request that is answered with nothing, and says `done`.
    async fn done(&self, ask: Request<'_>, done: &str) -> Result<(), Failure> {
        self.ask(ask).await?;
        if self.output.json { Ok(()) } else { output::lines(&text::clean(done)) }
    }
}

/// The options of a list.
#[derive(Debug, Args)]
pub(in crate::cli) struct Page {
    /// How many to show, 1 to 1000.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000), default_value_t = 20)]
    limit: u32,
    /// Where the page begins: what the page before said at its end.
    #[arg(long, value_name = "PLACE")]
    from: Option<String>,
}

impl Page {
    /// `GET` of the list at `path`, whose pages begin after a name.
    fn ask<'a>(&self, path: &[&'a str]) -> Request<'a> {
        Request::get(path).query("limit", &self.limit).maybe("after", self.from.as_ref())
    }
}

/// The last line of a page: how to get the next one. Empty on the last page.
fn next_page(list: &serde_json::Value) -> String {
    match &list["next"] {
        serde_json::Value::Null => String::new(),
        next => format!("\nThere are more: add --from {}", text::shell_word(&value::text(next))),
    }
}
