//! The formats of a body of documents.

/// The format of a body of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadFormat {
    /// `application/json`: an array of objects or one object.
    Json,
    /// `application/x-ndjson`: an object per line. As on a Meilisearch server an object may span lines.
    Ndjson,
    /// `text/csv` with this delimiter; the header may type its columns (`:string`, `:number`, `:boolean`).
    Csv {
        /// One ASCII character.
        delimiter: u8,
    },
}

impl PayloadFormat {
    /// Returns the word for the format in messages.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv { .. } => "csv",
        }
    }
}
