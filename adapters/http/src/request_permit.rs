//! Permits of concurrent requests. A request holds one while Miroir processes it, but not while Miroir waits
//! for its client.

use std::sync::Arc;

use miroir_domain::error::ErrorCode;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::connections::Activity;
use crate::error::Failure;

/// The permits of all requests.
pub(crate) struct RequestPermits {
    semaphore: Arc<Semaphore>,
    limit: usize,
}

impl RequestPermits {
    pub(crate) fn new(limit: usize) -> Self {
        Self { semaphore: Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS))), limit }
    }

    /// Acquires a permit for a request on the connection of `activity`. Refuses the request if no permit is
    /// free.
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

/// The permit of one request. It is released when its last clone is dropped.
#[derive(Clone)]
pub(crate) struct RequestPermit(Arc<PermitState>);

struct PermitState {
    semaphore: Arc<Semaphore>,
    limit: usize,
    activity: Arc<Activity>,
    permit: Mutex<Option<OwnedSemaphorePermit>>,
}

impl RequestPermit {
    /// Releases the permit while Miroir waits for the client. Otherwise slow clients would block the others.
    pub(crate) fn release(&self) {
        self.0.activity.set_idle();
        self.set(None);
    }

    /// Acquires a permit again.
    pub(crate) fn reacquire(&self) -> Result<(), Failure> {
        let permit = Arc::clone(&self.0.semaphore).try_acquire_owned().map_err(|_| {
            let message = format!(
                "Miroir is already processing {} requests, its maximum. Try again in a moment.",
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
    async fn requests_that_wait_for_their_client_release_their_permit() {
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
