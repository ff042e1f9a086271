//! The results of conditional writes.

/// The result of a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The row is as given, with its version raised by one.
    Stored,
    /// The row has another version, or does not exist: nothing changed.
    Conflict,
}

/// The result of a creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Create {
    /// The row exists now.
    Created,
    /// A row of that key existed already: nothing changed.
    Exists,
}

/// The result of an advance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    /// The row now holds the given value.
    Advanced,
    /// The row already holds this value, which is not lower: nothing changed.
    Behind(u64),
}
