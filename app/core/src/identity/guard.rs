//! The store, which is refused while it is not that of the cluster.

use std::future::Future;
use std::sync::Arc;

use miroir_ports::outbound::{StoreError, TaskStore};

use super::known::KnownIdentity;

/// The calls that are never refused: leases, which decide who looks after the store, the identity itself, and
/// the end.
const UNGUARDED: [&str; 6] = ["lease_", "cluster_", "node_put", "node_delete", "node_list", "store_close"];

/// A store whose calls are refused while [`KnownIdentity::store_problem`] has a problem with it. A store that
/// was emptied would otherwise answer that no index, no task and no missed write exists.
pub struct GuardedStore {
    inner: Arc<dyn TaskStore>,
    identity: Arc<KnownIdentity>,
}

impl GuardedStore {
    /// Wraps `inner`.
    pub fn new(inner: Arc<dyn TaskStore>, identity: Arc<KnownIdentity>) -> Self {
        Self { inner, identity }
    }

    fn check(&self) -> Result<(), StoreError> {
        self.identity.store_problem().map_or(Ok(()), |problem| Err(StoreError::Foreign(problem)))
    }

    async fn call<T>(
        &self,
        method: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        if UNGUARDED.iter().any(|prefix| method.starts_with(prefix)) {
            return work.await;
        }
        self.check()?;
        let outcome = work.await;
        // The store may have been lost during the call.
        self.check()?;
        outcome
    }
}

miroir_ports::wrap_store!(GuardedStore);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use miroir_domain::Timestamp;
    use miroir_memory::MemoryStore;
    use miroir_ports::outbound::{IdentityTable as _, IndexTable as _, LeaseTable as _, StoreStatus as _};

    use super::*;
    use crate::identity::StoreIdentity;

    #[tokio::test]
    async fn lost_store_is_refused_but_for_leases_and_the_identity() {
        let identity = Arc::new(KnownIdentity::default());
        let store = GuardedStore::new(Arc::new(MemoryStore::new()), Arc::clone(&identity));
        let uid = "films".parse().unwrap();
        assert_eq!(store.index_get(&uid).await.unwrap(), None);
        identity.replace(StoreIdentity::Lost { cluster: "c-1".parse().unwrap() }, Vec::new());
        for refused in [store.index_get(&uid).await.map(drop), store.store_ping().await] {
            let Err(StoreError::Foreign(reason)) = refused else { panic!("{refused:?}") };
            assert!(reason.contains("c-1") && reason.contains("restored from a backup"), "{reason}");
        }
        let now = Timestamp::from_millis(0);
        store.lease_acquire("writes", "one", Duration::from_secs(1), now).await.unwrap();
        assert_eq!(store.cluster_get().await.unwrap(), None);
        assert!(store.node_list().await.unwrap().is_empty());
        identity.replace(StoreIdentity::Unknown, Vec::new());
        assert_eq!(store.index_get(&uid).await.unwrap(), None);
    }
}
