//! A group of commands, with the options that all groups share.

use clap::{Args, Subcommand};
use miroir_domain::Timestamp;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::Session;

/// A group of commands for a running Miroir.
#[derive(Debug, Args)]
pub struct Group<C: Subcommand> {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: C,
}

/// The options of a [`Group`] without its command.
#[derive(Debug)]
pub struct GroupOptions(Connection);

impl GroupOptions {
    /// Returns the group with `command`.
    pub fn with<C: Subcommand>(self, command: C) -> Group<C> {
        Group { connection: self.0, command }
    }
}

impl<C: Subcommand> Group<C> {
    /// Returns whether the output is to be JSON.
    pub fn as_json(&self) -> bool {
        self.connection.json
    }

    /// Returns the command and the options.
    pub fn split(self) -> (C, GroupOptions) {
        (self.command, GroupOptions(self.connection))
    }

    /// Runs the command with `run`. `now` returns the current time, for relative times in the output.
    pub async fn run<F>(
        self,
        now: fn() -> Timestamp,
        run: impl FnOnce(Session, C) -> F,
    ) -> Result<(), Failure>
    where
        F: Future<Output = Result<(), Failure>>,
    {
        let output = Output::new(self.connection.json, now);
        let session = Session { client: self.connection.client()?, output: output.clone() };
        let ended = run(session, self.command).await;
        // With --json, the body of an error is printed like any other.
        if let (true, Err(Failure::Refused { body, .. })) = (self.connection.json, &ended) {
            output.json(body)?;
        }
        ended
    }
}
