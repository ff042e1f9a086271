//! The positions from which a reader can go on.

use std::fmt;
use std::str::FromStr;

/// The position of a reader, as `<epoch>:<seq>`, or as the number alone, which stands for the present epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedPosition {
    /// The epoch of the task store.
    pub epoch: Option<u64>,
    /// The number up to which the reader has every event.
    pub seq: u64,
}

/// A text that is no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the number of a change, or its epoch and number such as `1:42`")]
pub struct MalformedPosition;

impl FromStr for FeedPosition {
    type Err = MalformedPosition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| text.parse().map_err(|_| MalformedPosition);
        match text.split_once(':') {
            Some((epoch, seq)) => Ok(Self { epoch: Some(number(epoch)?), seq: number(seq)? }),
            None => Ok(Self { epoch: None, seq: number(text)? }),
        }
    }
}

impl fmt::Display for FeedPosition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(epoch) = self.epoch {
            write!(formatter, "{epoch}:")?;
        }
        write!(formatter, "{}", self.seq)
    }
}

/// The events that are held of a sink and index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldEvents {
    /// The number of the first event that is held, if any is.
    pub first: Option<u64>,
    /// The greatest number so far; 0 before the first event.
    pub last: u64,
}

/// The reason why a reader cannot go on from its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPosition {
    /// Events after the position are no longer held.
    #[error("the oldest change that is still held is {oldest}")]
    Trimmed {
        /// The number of the oldest event that is held, or of the next one if none is.
        oldest: u64,
    },
    /// The position is after the last event.
    #[error("the last change is {last}")]
    Ahead {
        /// The greatest number so far.
        last: u64,
    },
    /// The position is of another epoch: the task store was restored or rebuilt since.
    #[error(
        "the task store was restored or rebuilt, and changes now have epoch {epoch}; read `last`, copy the documents of the \
         index, and follow from there"
    )]
    OtherEpoch {
        /// The present epoch.
        epoch: u64,
    },
}

impl HeldEvents {
    /// Returns the number of the oldest event that is held, or of the next one if none is.
    pub fn oldest(self) -> u64 {
        self.first.unwrap_or(self.last + 1)
    }

    /// Refuses the position `since` of a reader that knows every event up to it, if the reader cannot go on
    /// from there.
    pub fn check(self, since: u64) -> Result<(), InvalidPosition> {
        if since > self.last {
            return Err(InvalidPosition::Ahead { last: self.last });
        }
        if since + 1 < self.oldest() {
            return Err(InvalidPosition::Trimmed { oldest: self.oldest() });
        }
        Ok(())
    }
}
