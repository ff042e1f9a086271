//! The positions from which a reader can go on.

/// The events that are held of a sink and index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The number of the first event that is held, if any is.
    pub first: Option<u64>,
    /// The greatest number so far; 0 before the first event.
    pub last: u64,
}

/// The reason why a reader cannot go on from its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutOfReach {
    /// Events after the position are no longer held.
    #[error("the oldest change that is still held is {oldest}")]
    Gone {
        /// The number of the oldest event that is held, or of the next one if none is.
        oldest: u64,
    },
    /// The position is after the last event.
    #[error("the last change is {last}")]
    Ahead {
        /// The greatest number so far.
        last: u64,
    },
}

impl Held {
    /// Returns the number of the oldest event that is held, or of the next one if none is.
    pub fn oldest(self) -> u64 {
        self.first.unwrap_or(self.last + 1)
    }

    /// Refuses the position `since` of a reader that knows every event up to it, if the reader cannot go on
    /// from there.
    pub fn check(self, since: u64) -> Result<(), OutOfReach> {
        if since > self.last {
            return Err(OutOfReach::Ahead { last: self.last });
        }
        if since + 1 < self.oldest() {
            return Err(OutOfReach::Gone { oldest: self.oldest() });
        }
        Ok(())
    }
}
