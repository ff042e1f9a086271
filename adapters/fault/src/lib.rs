//! A store that fails on command, around any other: for tests of what must stay right when it does.
//!
//! A [`Plan`] says of each call what becomes of it. [`Script`] is a plan that names methods and what happens to their next
//! calls; [`Chance`] one that fails at random, the same way again from the same seed.

mod plan;

use std::fmt;
use std::sync::Arc;

use miroir_ports::outbound::{Outcome, StoreError, TaskStore};

pub use plan::{Chance, Fault, Plan, Script};

miroir_ports::wrap_store!(FaultyStore);

/// A store whose calls go as a plan says.
pub struct FaultyStore {
    inner: Arc<dyn TaskStore>,
    plan: Arc<dyn Plan>,
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FaultyStore").finish_non_exhaustive()
    }
}

impl FaultyStore {
    /// `inner`, as far as `plan` lets calls through.
    pub fn new(inner: Arc<dyn TaskStore>, plan: Arc<dyn Plan>) -> Self {
        Self { inner, plan }
    }

    async fn call<T>(
        &self,
        method: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let unavailable = |outcome| StoreError::Unavailable {
            outcome,
            reason: format!("the test said that {method} fails"),
            source: None,
        };
        match self.plan.next(method).await {
            Fault::None => work.await,
            Fault::NotApplied => Err(unavailable(Outcome::NotApplied)),
            Fault::LostBefore => Err(unavailable(Outcome::Unknown)),
            Fault::LostAfter => {
                work.await?;
                Err(unavailable(Outcome::Unknown))
            }
            Fault::Delay(span) => {
                tokio::time::sleep(span).await;
                work.await
            }
        }
    }
}
