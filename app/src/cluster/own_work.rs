//! The newest node task that no client asked for: what the mender brought a node.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use miroir_domain::{IndexUid, NodeId};

/// By index and node. Whoever looks for the node task of a lost answer must not take one of these for it. Kept in
/// memory only: after a restart the window in which they could be mistaken is minutes long, and a node wrongly taken
/// to have settings is the worst of it.
#[derive(Debug, Default)]
pub struct OwnWork {
    newest: Mutex<HashMap<(IndexUid, NodeId), u32>>,
}

impl OwnWork {
    /// `node` was given a task of Miroir's own for `index`, and calls it `uid`.
    pub fn note(&self, index: &IndexUid, node: &NodeId, uid: u32) {
        // The map is valid after every statement, so a panic elsewhere cannot have left it half changed.
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest.insert((index.clone(), node.clone()), uid);
    }

    /// The last one noted.
    pub fn newest(&self, index: &IndexUid, node: &NodeId) -> Option<u32> {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest.get(&(index.clone(), node.clone())).copied()
    }
}
