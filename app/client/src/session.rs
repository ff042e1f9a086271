//! What a command works with.

use crate::client::{Client, Request, Response};
use crate::failure::Failure;
use crate::output::{self, Output, View};
use crate::text;

/// What a command works with.
pub struct Session {
    pub(crate) client: Client,
    pub(crate) output: Output,
}

impl Session {
    /// Sends a request. A refusal is an error.
    pub(crate) async fn ask(&self, ask: Request<'_>) -> Result<Response, Failure> {
        let answer = self.client.send(ask).await?;
        answer.refusal().map_or(Ok(answer), Err)
    }

    /// Sends a request and prints what it is answered: as it is, or as `render` writes it for people.
    pub(crate) async fn show(
        &self,
        ask: Request<'_>,
        render: impl FnOnce(&serde_json::Value, &View) -> String,
    ) -> Result<(), Failure> {
        let answer = self.ask(ask).await?;
        self.output.answer(&answer, render)
    }

    /// Sends a request that is answered with nothing, and says `done`.
    pub(crate) async fn done(&self, ask: Request<'_>, done: &str) -> Result<(), Failure> {
        self.ask(ask).await?;
        if self.output.json { Ok(()) } else { output::lines(&text::clean(done)) }
    }
}
