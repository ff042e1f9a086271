//! The cases, by area.

pub(crate) mod concurrency;
pub(crate) mod hostile;
pub(crate) mod listing;
pub(crate) mod precondition;
pub(crate) mod pruning;
pub(crate) mod reopening;
pub(crate) mod round_trip;
