//! The store as one instance reaches it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use miroir_ports::outbound::{Outcome, StoreError, TaskStore};
use tokio::time::sleep;

use crate::gate::Gate;
use crate::world::World;

/// A handle of the store of one run of an instance.
pub struct SimStore {
    inner: Arc<dyn TaskStore>,
    world: Arc<World>,
    gate: Gate,
}

impl SimStore {
    /// Opens a handle, with a fence of its own.
    pub fn open(world: &Arc<World>, gate: &Gate) -> Arc<dyn TaskStore> {
        let inner = Arc::new(world.store.reopen());
        Arc::new(Self { inner, world: Arc::clone(world), gate: gate.clone() })
    }

    async fn call<T>(
        &self,
        method: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.gate.pass().await;
        match self.world.store_delay() {
            delay if delay.is_zero() => tokio::task::yield_now().await,
            delay => sleep(delay).await,
        }
        self.gate.pass().await;
        if !self.world.store_is_up.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable {
                outcome: Outcome::NotApplied,
                reason: format!("the simulated store is away, so `{method}` failed"),
                source: None,
            });
        }
        let outcome = work.await;
        // A crash or a pause may come between the change and its response.
        self.gate.pass().await;
        outcome
    }
}

miroir_ports::wrap_store!(SimStore);
