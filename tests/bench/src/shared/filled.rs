//! The tasks of the filled stores, of which lists are measured.

/// Time between the ends of two tasks, in the order of their creation, in ms.
pub const PACE_MS: i64 = 100;
/// Time of the first task.
pub const FIRST_MS: i64 = 1_700_000_000_000;
/// Number of tasks for each canceled one, which the task after it cancels.
pub const CANCELED_EVERY: u32 = 500;
