//! The client and the output of a command.

use crate::client::{Client, Request, Response};
use crate::failure::Failure;
use crate::output::{self, Output, View};
use crate::text;

/// The client and the output of a command.
pub struct Session {
    pub(crate) client: Client,
    pub(crate) output: Output,
}

impl Session {
    /// Sends a request. A response with an error status is a failure.
    pub(crate) async fn send(&self, request: Request<'_>) -> Result<Response, Failure> {
        let response = self.client.send(request).await?;
        response.refusal().map_or(Ok(response), Err)
    }

    /// Sends a request and prints the response: its JSON unchanged, or the text of `render`.
    pub(crate) async fn show(
        &self,
        request: Request<'_>,
        render: impl FnOnce(&serde_json::Value, &View) -> String,
    ) -> Result<(), Failure> {
        let response = self.send(request).await?;
        self.output.response(&response, render)
    }

    /// Sends a request whose response has no body, and prints `done`.
    pub(crate) async fn done(&self, request: Request<'_>, done: &str) -> Result<(), Failure> {
        self.send(request).await?;
        if self.output.json { Ok(()) } else { output::lines(&text::clean(done)) }
    }
}
