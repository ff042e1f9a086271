//! The results of conditional writes.

/// What became of a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The row is as given, with its version raised by one.
    Stored,
    /// The row has another version, or is not there: nothing changed.
    Conflict,
}

/// What became of a creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Create {
    /// The row is there now.
    Created,
    /// A row of that key was there already: nothing changed.
    Exists,
}
