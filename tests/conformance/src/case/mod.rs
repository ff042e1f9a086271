//! The cases, by area.

pub(crate) mod access;
pub(crate) mod alias;
pub(crate) mod canary;
pub(crate) mod capture;
pub(crate) mod change;
pub(crate) mod committed_settings;
pub(crate) mod concurrency;
pub(crate) mod consequence;
pub(crate) mod hostile;
pub(crate) mod idempotency;
pub(crate) mod identity;
pub(crate) mod job;
pub(crate) mod job_death;
pub(crate) mod lease;
pub(crate) mod listing;
pub(crate) mod precondition;
pub(crate) mod pruning;
pub(crate) mod reopening;
pub(crate) mod replica;
pub(crate) mod round_trip;
pub(crate) mod row;
pub(crate) mod session;
