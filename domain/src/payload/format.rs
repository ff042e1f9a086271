//! The formats of a body of documents.

/// How a body of documents is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadFormat {
    /// `application/json`: an array of objects or one object.
    Json,
    /// `application/x-ndjson`: an object a line. As on a Meilisearch server an object may span lines.
    Ndjson,
    /// `text/csv` with this delimiter; the header may type its columns (`:string`, `:number`, `:boolean`).
    Csv {
        /// One ASCII character.
        delimiter: u8,
    },
}

impl PayloadFormat {
    /// The word for the format in messages.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv { .. } => "csv",
        }
    }
}
