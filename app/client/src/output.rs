//! What is printed: the server's JSON for programs, text for people.

use std::io::{IsTerminal as _, Write as _};

use miroir_domain::Timestamp;
use serde_json::Value;

use crate::client::Response;
use crate::failure::Failure;
use crate::text::clean_json;

/// What text for people depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    /// Whether how things stand is told by colours too.
    pub(crate) colours: bool,
    /// The present instant, for what is told as a span.
    pub(crate) now: Timestamp,
}

/// Where and how a command prints.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    /// Whether programs read it.
    pub(crate) json: bool,
    terminal: bool,
    colours: bool,
    now: fn() -> Timestamp,
}

impl Output {
    /// Standard output.
    pub(crate) fn new(json: bool, now: fn() -> Timestamp) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = variable("TERM").is_none_or(|kind| kind == "dumb");
        Self { json, terminal, colours: terminal && !dumb && variable("NO_COLOR").is_none(), now }
    }

    /// How text looks now.
    pub(crate) fn view(&self) -> View {
        View { colours: self.colours, now: (self.now)() }
    }

    /// Prints an answer as it is, or as `render` writes it for people.
    pub(crate) fn answer(
        &self,
        answer: &Response,
        render: impl FnOnce(&Value, &View) -> String,
    ) -> Result<(), Failure> {
        if self.json {
            return self.json(&answer.body);
        }
        lines(&render(&answer.value()?, &self.view()))
    }

    /// Prints JSON byte by byte as it came, and an end of line. On a terminal, characters that it would obey are
    /// written as JSON writes characters that are hard to type.
    pub(crate) fn json(&self, body: &str) -> Result<(), Failure> {
        if body.is_empty() {
            return Ok(());
        }
        if self.terminal { lines(&clean_json(body)) } else { lines(body) }
    }
}

/// Prints text, and an end of line where it has none.
pub(crate) fn lines(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") })
        .and_then(|()| out.flush())
        .map_err(Failure::Output)
}
