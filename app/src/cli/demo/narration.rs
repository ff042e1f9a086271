//! What the demo says, and where in it we are.

use std::io::{IsTerminal, Stdout, Write};

/// How many steps the demo has.
const STEPS: usize = 9;

/// How far what belongs to a step is indented.
const INDENT: &str = "      ";

/// Writes the demo's story to standard output.
pub(super) struct Narration {
    step: usize,
    title: String,
    out: Stdout,
}

impl Narration {
    /// A story that has not begun.
    pub(super) fn to_standard_output() -> Self {
        Self { step: 0, title: "the beginning".to_owned(), out: std::io::stdout() }
    }

    /// A reader that went away (`miroir demo | head`) is no reason to stop, so errors of writing are let go.
    fn line(&self, text: &str) {
        let _ = writeln!(&self.out, "{text}");
    }

    /// The words before the first step.
    pub(super) fn open(&self, nodes: &str) {
        self.line("Miroir: several Meilisearch servers behaving as one.");
        self.line(&format!("This demo uses three {nodes}."));
        self.line(
            "`miroir dev` leaves the same cluster running for you; the curl lines work there on port 7700.",
        );
        if nodes.starts_with("simulated") {
            self.line(
                "To use real servers, put `meilisearch` on the PATH or name it by MIROIR_MEILISEARCH_BIN.",
            );
        }
    }

    /// The words after the last one.
    pub(super) fn close(&self, summary: &[String]) {
        self.line("\nEvery step held:");
        for line in summary {
            self.line(&format!("  {line}"));
        }
    }

    /// Begins the next step.
    pub(super) fn step(&mut self, title: &str) {
        self.step += 1;
        title.clone_into(&mut self.title);
        self.line(&format!("\n[{}/{STEPS}] {title}", self.step));
    }

    /// The present step, for a person who wants to know where it went wrong.
    pub(super) fn place(&self) -> String {
        format!("step {} of {STEPS} ({})", self.step, self.title)
    }

    /// A sentence.
    pub(super) fn say(&self, sentence: &str) {
        self.line(&format!("{INDENT}{sentence}"));
    }

    /// A command that does the same.
    pub(super) fn command(&self, line: &str) {
        self.line(&format!("{INDENT}$ {line}"));
    }

    /// What came of it, checked.
    pub(super) fn result(&self, sentence: &str) {
        self.line(&format!("{INDENT}  -> {sentence}"));
    }

    /// How far something long has come: one line that grows on a terminal, a line each time elsewhere.
    pub(super) fn progress(&self, done: usize, total: usize, what: &str) {
        const WIDTH: usize = 30;
        let filled = (done * WIDTH).checked_div(total).unwrap_or(WIDTH);
        let bar = format!("[{}{}]", "#".repeat(filled), "-".repeat(WIDTH - filled));
        let end = if self.out.is_terminal() && done < total { "\r" } else { "\n" };
        let _ = write!(&self.out, "{INDENT}{bar} {done}/{total} {what}{end}");
        let _ = (&self.out).flush();
    }
}
