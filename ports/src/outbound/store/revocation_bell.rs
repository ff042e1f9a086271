//! The revocation feed of a store that one process has to itself.

use async_trait::async_trait;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::{Revocation, Revocations};

/// How many revocations a listener may be behind before it has missed some.
const BACKLOG: usize = 1_024;

/// Tells listeners in this process of revocations. Dropped or hushed, it ends their subscriptions.
#[derive(Debug)]
pub struct RevocationBell {
    sender: std::sync::Mutex<Option<broadcast::Sender<String>>>,
}

impl Default for RevocationBell {
    fn default() -> Self {
        Self { sender: std::sync::Mutex::new(Some(broadcast::channel(BACKLOG).0)) }
    }
}

impl RevocationBell {
    /// Tells all listeners that the session of this id was revoked. Without listeners nobody needs to know.
    pub fn ring(&self, session_id: &str) {
        if let Some(sender) = self.sender().as_ref() {
            // It fails where nobody listens.
            let _ = sender.send(session_id.to_owned());
        }
    }

    /// A new listener; one that hears nothing once the bell was hushed.
    pub fn listen(&self) -> Box<dyn Revocations> {
        Box::new(Listener(self.sender().as_ref().map(broadcast::Sender::subscribe)))
    }

    /// Ends all subscriptions.
    pub fn hush(&self) {
        *self.sender() = None;
    }

    fn sender(&self) -> std::sync::MutexGuard<'_, Option<broadcast::Sender<String>>> {
        // Nothing that holds the lock can panic half way.
        self.sender.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

struct Listener(Option<broadcast::Receiver<String>>);

#[async_trait]
impl Revocations for Listener {
    async fn next(&mut self) -> Option<Revocation> {
        match self.0.as_mut()?.recv().await {
            Ok(id) => Some(Revocation::Session(id)),
            Err(RecvError::Lagged(_)) => Some(Revocation::Missed),
            Err(RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn slow_listener_hears_that_it_missed_some() {
        let bell = RevocationBell::default();
        let mut listener = bell.listen();
        for number in 0..=BACKLOG {
            bell.ring(&number.to_string());
        }
        assert_eq!(listener.next().await, Some(Revocation::Missed));
        assert_eq!(listener.next().await, Some(Revocation::Session("1".to_owned())));
    }

    #[tokio::test]
    async fn hushed_bell_ends_subscriptions() {
        let bell = RevocationBell::default();
        let mut listener = bell.listen();
        bell.ring("a");
        bell.hush();
        bell.ring("b");
        assert_eq!(listener.next().await, Some(Revocation::Session("a".to_owned())));
        assert_eq!(listener.next().await, None);
        assert_eq!(bell.listen().next().await, None);
    }
}
