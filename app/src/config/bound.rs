//! Bounds of settings.

/// The longest duration of a setting. It exceeds any use, and adding it to a clock cannot overflow.
pub(super) const MAX_DURATION_MS: u64 = 365 * 24 * 60 * 60 * 1_000;
