//! The output of the demo.

use std::io::{IsTerminal, Stdout, Write};

/// The indentation of the lines of a step.
const INDENT: &str = "      ";

/// Writes the output of the demo to standard output, and counts its steps.
pub(super) struct Narration {
    titles: Vec<&'static str>,
    /// The number of steps that have begun.
    begun: usize,
    out: Stdout,
}

impl Narration {
    /// Makes the narration of a demo whose steps have these titles.
    pub(super) fn new(titles: Vec<&'static str>) -> Self {
        Self { titles, begun: 0, out: std::io::stdout() }
    }

    /// Writes a line. Errors are ignored, so that a closed pipe (`miroir demo | head`) does not stop the
    /// demo.
    fn line(&self, text: &str) {
        let _ = writeln!(&self.out, "{text}");
    }

    /// Writes the introduction.
    pub(super) fn open(&self, nodes: &str) {
        self.line("Miroir: several Meilisearch servers behaving as one.");
        self.line(&format!("This demo uses three {nodes}."));
        self.line(
            "`miroir dev` starts the same cluster and keeps it running on port 7700, for the curl commands.",
        );
        if nodes.starts_with("simulated") {
            self.line("To use real servers, put `meilisearch` on the PATH or set MIROIR_MEILISEARCH_BIN.");
        }
    }

    /// Writes the summary.
    pub(super) fn close(&self, summary: &[String]) {
        self.line("\nEvery step succeeded:");
        for line in summary {
            self.line(&format!("  {line}"));
        }
    }

    /// Begins the next step.
    pub(super) fn begin_step(&mut self) {
        self.begun += 1;
        self.line(&format!("\n[{}/{}] {}", self.begun, self.titles.len(), self.title()));
    }

    /// Returns the current step for messages about a failure.
    pub(super) fn current_step(&self) -> String {
        format!("step {} of {} ({})", self.begun, self.titles.len(), self.title())
    }

    fn title(&self) -> &'static str {
        self.begun
            .checked_sub(1)
            .and_then(|index| self.titles.get(index))
            .copied()
            .unwrap_or("the introduction")
    }

    /// Writes a sentence.
    pub(super) fn say(&self, sentence: &str) {
        self.line(&format!("{INDENT}{sentence}"));
    }

    /// Writes the command that does the same as the demo.
    pub(super) fn command(&self, line: &str) {
        self.line(&format!("{INDENT}$ {line}"));
    }

    /// Writes a checked result.
    pub(super) fn result(&self, sentence: &str) {
        self.line(&format!("{INDENT}  -> {sentence}"));
    }

    /// Shows the progress of long work: on a terminal as one growing line, elsewhere as a line per call.
    pub(super) fn progress(&self, done: usize, total: usize, what: &str) {
        const WIDTH: usize = 30;
        let filled = (done * WIDTH).checked_div(total).unwrap_or(WIDTH);
        let bar = format!("[{}{}]", "#".repeat(filled), "-".repeat(WIDTH - filled));
        let end = if self.out.is_terminal() && done < total { "\r" } else { "\n" };
        let _ = write!(&self.out, "{INDENT}{bar} {done}/{total} {what}{end}");
        let _ = (&self.out).flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn current_step_counts_the_titles() {
        let mut narration = Narration::new(vec!["first", "second"]);
        for expected in ["step 0 of 2 (the introduction)", "step 1 of 2 (first)", "step 2 of 2 (second)"] {
            assert_eq!(narration.current_step(), expected);
            narration.begin_step();
        }
    }
}
