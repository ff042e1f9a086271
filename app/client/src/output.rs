//! Output of commands: the server's JSON, or text.

use std::io::{IsTerminal as _, Write as _};

use miroir_domain::Timestamp;
use serde_json::Value;

use crate::client::Response;
use crate::failure::Failure;
use crate::text::clean_json;

/// The conditions of text output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    /// True to color states.
    pub(crate) colors: bool,
    /// The current time, for relative times.
    pub(crate) now: Timestamp,
}

/// The output of a command.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    /// True to print JSON.
    pub(crate) json: bool,
    terminal: bool,
    colors: bool,
    now: fn() -> Timestamp,
}

impl Output {
    /// Makes an output to standard output.
    pub(crate) fn new(json: bool, now: fn() -> Timestamp) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = variable("TERM").is_none_or(|kind| kind == "dumb");
        Self { json, terminal, colors: terminal && !dumb && variable("NO_COLOR").is_none(), now }
    }

    /// Returns the conditions of text output.
    pub(crate) fn view(&self) -> View {
        View { colors: self.colors, now: (self.now)() }
    }

    /// Prints a response: its JSON unchanged, or the text of `render`.
    pub(crate) fn response(
        &self,
        response: &Response,
        render: impl FnOnce(&Value, &View) -> String,
    ) -> Result<(), Failure> {
        if self.json {
            return self.json(&response.body);
        }
        lines(&render(&response.value()?, &self.view()))
    }

    /// Prints JSON unchanged, and a line break. On a terminal, control characters are escaped as in JSON
    /// strings.
    pub(crate) fn json(&self, body: &str) -> Result<(), Failure> {
        if body.is_empty() {
            return Ok(());
        }
        if self.terminal { lines(&clean_json(body)) } else { lines(body) }
    }
}

/// Prints text, and a line break unless the text ends with one.
pub(crate) fn lines(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") })
        .and_then(|()| out.flush())
        .map_err(Failure::Output)
}
