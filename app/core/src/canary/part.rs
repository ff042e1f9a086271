//! The work of the role that runs one part of the canaries.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::role::Role;
use miroir_ports::outbound::StoreError;

use super::{Executor, OwnedParts};
use crate::instance::{Term, Work};

/// The pause between two checks for runs in progress.
const PAUSE: Duration = Duration::from_millis(20);

/// The work of one part. The runner of this instance runs its canaries during the term.
pub struct CanaryPart {
    part: Role,
    executor: Arc<Executor>,
    parts: Arc<OwnedParts>,
}

impl CanaryPart {
    /// Makes the work of `part`. It adds the part to `parts`, from which the runner of `executor` learns its
    /// canaries.
    pub fn new(part: Role, executor: Arc<Executor>, parts: Arc<OwnedParts>) -> Self {
        Self { part, executor, parts }
    }

    fn is_of_this_part(&self, canary_id: &str) -> bool {
        Role::of_canary(canary_id) == self.part
    }
}

#[async_trait]
impl Work for CanaryPart {
    async fn work(&self, term: Term) -> Result<(), StoreError> {
        // Another instance may have run them since. Its runs are in the store.
        self.executor.forget_where(&|id| self.is_of_this_part(id));
        let owned = self.parts.take(self.part.clone(), Arc::clone(&term.store));
        term.announce();
        term.over.cancelled().await;
        drop(owned);
        // The next holder cannot see a run that is not recorded yet.
        while self.executor.runs_any(&|id| self.is_of_this_part(id)) {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }
}
