//! Outcomes of writes that depend on the row.

/// The outcome of a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The row is as given, with its version raised by one.
    Stored,
    /// The row has another version, or there is none: nothing changed.
    Conflict,
}

/// The outcome of a creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Create {
    /// The row was created.
    Created,
    /// There is a row of that key already: nothing changed.
    Exists,
}

/// The outcome of an advance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    /// The row now holds the given value.
    Advanced,
    /// The row already holds this value, which is not lower: nothing changed.
    Behind(u64),
}
