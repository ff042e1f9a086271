//! How far long work is: one line on a terminal that is written over, and nothing elsewhere.

use std::io::{IsTerminal as _, Write as _};

use crate::text::{clean, shortened};

/// Short enough for every terminal, so that the line is never broken and can be written over.
const COLUMNS: usize = 76;

/// The line. It is gone when this is dropped.
pub(crate) struct Progress {
    shown: bool,
}

impl Progress {
    /// A line on standard error, where that is a terminal.
    pub(crate) fn new() -> Self {
        Self { shown: std::io::stderr().is_terminal() }
    }

    /// Shows `text` in place of what was shown.
    pub(crate) fn say(&self, text: &str) {
        if self.shown {
            self.write(&format!("\r\u{1b}[2K{}", shortened(&clean(text), COLUMNS)));
        }
    }

    /// Takes the line away, so that something else can be printed.
    pub(crate) fn clear(&self) {
        if self.shown {
            self.write("\r\u{1b}[2K");
        }
    }

    #[allow(clippy::unused_self, reason = "only a line that is shown is written")]
    fn write(&self, text: &str) {
        let mut out = std::io::stderr().lock();
        // Progress that cannot be shown stops no work.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
