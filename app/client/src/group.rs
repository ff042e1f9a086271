//! A group of commands, with the options that all groups share.

use clap::{Args, Subcommand};
use miroir_domain::Timestamp;

use crate::failure::Failure;
use crate::output::Output;
use crate::reach::Reach;
use crate::session::Session;

/// A group of commands for a running Miroir.
#[derive(Debug, Args)]
pub struct Group<C: Subcommand> {
    #[command(flatten)]
    reach: Reach,
    #[command(subcommand)]
    command: C,
}

impl<C: Subcommand> Group<C> {
    /// Runs the command with `run`. `now` returns the present instant, for what is shown as a span.
    pub async fn run<F>(
        self,
        now: fn() -> Timestamp,
        run: impl FnOnce(Session, C) -> F,
    ) -> Result<(), Failure>
    where
        F: Future<Output = Result<(), Failure>>,
    {
        let output = Output::new(self.reach.json, now);
        let session = Session { client: self.reach.client()?, output: output.clone() };
        let ended = run(session, self.command).await;
        // A refusal is a response too: programs get its body like any other.
        if let (true, Err(Failure::Refused { body, .. })) = (self.reach.json, &ended) {
            output.json(body)?;
        }
        ended
    }
}
