//! Who may change what Miroir believes of an index, and who may rely on it meanwhile.
//!
//! A write reads the registry entry of its index and then takes its place in the lanes. Between the two, nobody may
//! create, delete or re-key the index, or the write would reach nodes that hold another index than it was cut for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use miroir_domain::IndexUid;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// One reader-writer lock per index in use.
#[derive(Debug, Default)]
pub struct Gates {
    gates: Mutex<HashMap<IndexUid, Arc<RwLock<()>>>>,
}

impl Gates {
    /// Relies on the registry entry of `index` until the guard is dropped.
    pub async fn rely(&self, index: &IndexUid) -> OwnedRwLockReadGuard<()> {
        self.gate(index).read_owned().await
    }

    /// Has the registry entry of `index` alone until the guard is dropped.
    pub async fn change(&self, index: &IndexUid) -> OwnedRwLockWriteGuard<()> {
        self.gate(index).write_owned().await
    }

    fn gate(&self, index: &IndexUid) -> Arc<RwLock<()>> {
        // The map is valid after every statement, so a panic elsewhere cannot have left it half changed.
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        // Guards hold a clone of their gate: one that only the map holds is in nobody's way.
        gates.retain(|_, gate| Arc::strong_count(gate) > 1);
        gates.entry(index.clone()).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_waits_for_those_who_rely_and_gates_out_of_use_are_forgotten() {
        let gates = Gates::default();
        let index: IndexUid = "movies".parse().unwrap();
        let relying = gates.rely(&index).await;
        let also_relying = gates.rely(&index).await;
        let changing = tokio::time::timeout(std::time::Duration::from_millis(20), gates.change(&index));
        assert!(changing.await.is_err());
        drop((relying, also_relying));
        drop(gates.change(&index).await);
        drop(gates.rely(&"other".parse().unwrap()).await);
        assert_eq!(gates.gates.lock().unwrap().len(), 1);
    }
}
