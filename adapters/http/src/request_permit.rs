//! A permit among the requests that are answered at once, held while Miroir works and not while it waits for a client.

use std::sync::Arc;

use miroir_domain::error::ErrorCode;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::connections::Activity;
use crate::error::Failure;

/// All the permits there are.
pub(crate) struct RequestPermits {
    semaphore: Arc<Semaphore>,
    limit: usize,
}

impl RequestPermits {
    pub(crate) fn new(limit: usize) -> Self {
        Self { semaphore: Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS))), limit }
    }

    /// A permit for a request that came over the connection of `activity`; refused where none is free.
    pub(crate) fn acquire(&self, activity: Arc<Activity>) -> Result<RequestPermit, Failure> {
        let permit = RequestPermit(Arc::new(PermitState {
            semaphore: Arc::clone(&self.semaphore),
            limit: self.limit,
            activity,
            permit: Mutex::new(None),
        }));
        permit.reacquire()?;
        Ok(permit)
    }
}

/// The permit of one request, free again when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct RequestPermit(Arc<PermitState>);

struct PermitState {
    semaphore: Arc<Semaphore>,
    limit: usize,
    activity: Arc<Activity>,
    permit: Mutex<Option<OwnedSemaphorePermit>>,
}

impl RequestPermit {
    /// Gives the permit to others while the client is waited for. Clients that send slowly would otherwise keep out those
    /// that do not.
    pub(crate) fn release(&self) {
        self.0.activity.set_idle();
        self.set(None);
    }

    /// Takes a permit again.
    pub(crate) fn reacquire(&self) -> Result<(), Failure> {
        let permit = Arc::clone(&self.0.semaphore).try_acquire_owned().map_err(|_| {
            let message = format!(
                "Miroir is already answering {} requests, the most it takes at once: try again in a moment.",
                self.0.limit
            );
            Failure::refused(ErrorCode::MiroirOverloaded, message)
        })?;
        self.0.activity.set_busy();
        self.set(Some(permit));
        Ok(())
    }

    fn set(&self, permit: Option<OwnedSemaphorePermit>) {
        *self.0.permit.lock() = permit;
    }
}

impl Drop for PermitState {
    fn drop(&mut self) {
        self.activity.set_idle();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_for_its_client_leaves_its_place_to_others() {
        let permits = RequestPermits::new(1);
        let first = permits.acquire(Arc::default()).unwrap();
        assert_eq!(permits.acquire(Arc::default()).err().unwrap().error.code, "miroir_overloaded");
        first.release();
        let second = permits.acquire(Arc::default()).unwrap();
        assert!(first.reacquire().is_err());
        drop(second);
        assert!(first.reacquire().is_ok());
        let clone = first.clone();
        drop(first);
        assert!(permits.acquire(Arc::default()).is_err());
        drop(clone);
        assert!(permits.acquire(Arc::default()).is_ok());
    }
}
