//! Running one part of the canaries, for a term.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::role::Role;
use miroir_ports::outbound::StoreError;

use super::{Executor, OwnedParts};
use crate::instance::{Term, Work};

/// How often it is looked whether the last run has ended.
const PAUSE: Duration = Duration::from_millis(20);

/// The work of one part: the runner of this instance has it meanwhile.
pub struct CanaryPart {
    part: Role,
    executor: Arc<Executor>,
    parts: Arc<OwnedParts>,
}

impl CanaryPart {
    /// The work of `part`, whose canaries `executor` runs as long as `parts` says that they are this instance's.
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
        // Whoever had them before knows better when they ran: it is in the store.
        self.executor.forget_where(&|id| self.is_of_this_part(id));
        let owned = self.parts.take(self.part.clone(), Arc::clone(&term.store));
        term.announce();
        term.over.cancelled().await;
        drop(owned);
        // The next one would not know of a run that is not recorded yet.
        while self.executor.runs_any(&|id| self.is_of_this_part(id)) {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }
}
