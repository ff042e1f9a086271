//! Outcomes of writes that depend on the row.

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

/// What became of an advance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    /// The row now holds the given value.
    Advanced,
    /// The row holds this value already, which is not lower: nothing changed.
    Behind(u64),
}
