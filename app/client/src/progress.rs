//! Progress of long work: a line on a terminal that is overwritten, and nothing elsewhere.

use std::io::{IsTerminal as _, Write as _};

use crate::text::{clean, shortened};

/// The maximum length. A line that fits the terminal can be overwritten.
const COLUMNS: usize = 76;

/// The line. It is cleared when this is dropped.
pub(crate) struct Progress {
    shown: bool,
}

impl Progress {
    /// Makes a line on standard error, if that is a terminal.
    pub(crate) fn new() -> Self {
        Self { shown: std::io::stderr().is_terminal() }
    }

    /// Replaces the line with `text`.
    pub(crate) fn say(&self, text: &str) {
        if self.shown {
            self.write(&format!("\r\u{1b}[2K{}", shortened(&clean(text), COLUMNS)));
        }
    }

    /// Clears the line, so that other output can be printed.
    pub(crate) fn clear(&self) {
        if self.shown {
            self.write("\r\u{1b}[2K");
        }
    }

    #[allow(clippy::unused_self, reason = "only a line that is shown is written")]
    fn write(&self, text: &str) {
        let mut out = std::io::stderr().lock();
        // A failure to show progress must not stop the work.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
