//! Where a reader may begin.

/// The events of a sink and index that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The number of the first that is held; none when none is.
    pub first: Option<u64>,
    /// The greatest number given so far; 0 before the first.
    pub last: u64,
}

/// Why a reader cannot begin where it asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutOfReach {
    /// Events that it wants are gone.
    #[error("the oldest change that is still held is {oldest}")]
    Gone {
        /// The number of the oldest that is held, or that of the next when none is.
        oldest: u64,
    },
    /// It says that it knows changes that have not been.
    #[error("the last change is {last}")]
    Ahead {
        /// The greatest number given so far.
        last: u64,
    },
}

impl Held {
    /// The number of the oldest event that is held, or that of the next when none is.
    pub fn oldest(self) -> u64 {
        self.first.unwrap_or(self.last + 1)
    }

    /// Whether a reader that knows every event up to `since` can go on from there.
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
