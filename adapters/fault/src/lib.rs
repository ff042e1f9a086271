//! A wrapper that makes any store fail on command, for tests of the behaviour under faults.
//!
//! A [`Plan`] decides the outcome of each call. [`Script`] is a plan that sets the outcomes of the next calls
//! of a method. [`Chance`] is a plan that fails at random, and in the same way again from the same seed.

mod plan;

use std::fmt;
use std::sync::Arc;

use miroir_ports::outbound::{Outcome, StoreError, TaskStore};

pub use plan::{Chance, Fault, Plan, Script};

miroir_ports::wrap_store!(FaultyStore);

/// A store whose calls fail as a plan says.
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
    /// Wraps `inner`.
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
            reason: format!("the plan of the test makes `{method}` fail"),
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
            Fault::Delay(delay) => {
                tokio::time::sleep(delay).await;
                work.await
            }
        }
    }
}
