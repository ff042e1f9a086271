//! A place among the requests that are answered at once, held while Miroir works and not while it waits for a client.

use std::sync::Arc;

use miroir_domain::error::ErrorCode;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::connections::Standing;
use crate::error::Failure;

/// All the places there are.
pub(crate) struct Places {
    slots: Arc<Semaphore>,
    limit: usize,
}

impl Places {
    pub(crate) fn new(limit: usize) -> Self {
        Self { slots: Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS))), limit }
    }

    /// A place for a request that came over the connection of `standing`; refused where none is free.
    pub(crate) fn take(&self, standing: Arc<Standing>) -> Result<Place, Failure> {
        let place = Place(Arc::new(Held {
            slots: Arc::clone(&self.slots),
            limit: self.limit,
            standing,
            permit: Mutex::new(None),
        }));
        place.enter()?;
        Ok(place)
    }
}

/// The place of one request, free again when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Place(Arc<Held>);

struct Held {
    slots: Arc<Semaphore>,
    limit: usize,
    standing: Arc<Standing>,
    permit: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Place {
    /// Gives the place to others while the client is waited for. Clients that send slowly would otherwise keep out those
    /// that do not.
    pub(crate) fn leave(&self) {
        self.0.standing.waits();
        self.set(None);
    }

    /// Takes a place again.
    pub(crate) fn enter(&self) -> Result<(), Failure> {
        let permit = Arc::clone(&self.0.slots).try_acquire_owned().map_err(|_| {
            let message = format!(
                "Miroir is already answering {} requests, the most it takes at once: try again in a moment.",
                self.0.limit
            );
            Failure::refused(ErrorCode::MiroirOverloaded, message)
        })?;
        self.0.standing.answers();
        self.set(Some(permit));
        Ok(())
    }

    fn set(&self, permit: Option<OwnedSemaphorePermit>) {
        *self.0.permit.lock() = permit;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.standing.waits();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_for_its_client_leaves_its_place_to_others() {
        let places = Places::new(1);
        let first = places.take(Arc::default()).unwrap();
        assert_eq!(places.take(Arc::default()).err().unwrap().error.code, "miroir_overloaded");
        first.leave();
        let second = places.take(Arc::default()).unwrap();
        assert!(first.enter().is_err());
        drop(second);
        assert!(first.enter().is_ok());
        let clone = first.clone();
        drop(first);
        assert!(places.take(Arc::default()).is_err());
        drop(clone);
        assert!(places.take(Arc::default()).is_ok());
    }
}
