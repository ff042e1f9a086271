//! Fences: a handle whose term is over changes nothing.
//!
//! Each table has a fence of its own, beside its rows and in their slot: the greatest token that a holder has
//! fenced it with. Scripts that change something receive the token of their handle and compare it.

use parking_lot::Mutex;

/// The term to which the changes of a handle belong.
#[derive(Debug, Clone)]
pub(crate) struct Fence {
    pub(crate) scope: String,
    pub(crate) token: u64,
}

/// The fence of a handle, if it has one.
pub(crate) type FenceCell = Mutex<Option<Fence>>;
