//! Fences: a handle that led, and leads no more, changes nothing.
//!
//! Each table has a fence of its own, beside its rows and in their slot: the greatest token that a leader has fenced it with.
//! Scripts that change something are given the token of their handle and compare.

use parking_lot::Mutex;

/// The term that a handle's changes are part of.
#[derive(Debug, Clone)]
pub(crate) struct Fence {
    pub(crate) scope: String,
    pub(crate) token: u64,
}

/// The fence of a handle, if it has one.
pub(crate) type FenceCell = Mutex<Option<Fence>>;
