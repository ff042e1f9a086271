//! The revocation feed of a store that one process has to itself. It belongs to no runtime.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_channel::mpsc;
use futures_util::StreamExt as _;

use super::{Revocation, Revocations};

/// How many revocations a listener may be behind before it has missed some.
const BACKLOG: usize = 1_024;

/// Tells listeners in this process of revocations. Dropped or hushed, it ends their subscriptions.
#[derive(Debug)]
pub struct RevocationBell {
    /// None once it was hushed.
    listeners: Mutex<Option<Vec<Line>>>,
}

/// What leads to one listener.
#[derive(Debug)]
struct Line {
    sender: mpsc::Sender<String>,
    missed: Arc<AtomicBool>,
}

impl Default for RevocationBell {
    fn default() -> Self {
        Self { listeners: Mutex::new(Some(Vec::new())) }
    }
}

impl RevocationBell {
    /// Tells all listeners that the session of this id was revoked. Without listeners nobody needs to know.
    pub fn ring(&self, session_id: &str) {
        let mut listeners = self.listeners();
        for lines in listeners.iter_mut() {
            lines.retain_mut(|line| line.tell(session_id));
        }
    }

    /// A new listener; one that hears nothing once the bell was hushed.
    pub fn listen(&self) -> Box<dyn Revocations> {
        let (sender, messages) = mpsc::channel(BACKLOG);
        let missed = Arc::new(AtomicBool::new(false));
        if let Some(lines) = self.listeners().as_mut() {
            lines.push(Line { sender, missed: Arc::clone(&missed) });
        }
        Box::new(Listener { messages, missed })
    }

    /// Ends all subscriptions.
    pub fn hush(&self) {
        *self.listeners() = None;
    }

    fn listeners(&self) -> MutexGuard<'_, Option<Vec<Line>>> {
        // Nothing that holds the lock can panic half way.
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// False when nobody listens any more.
    fn tell(&mut self, session_id: &str) -> bool {
        match self.sender.try_send(session_id.to_owned()) {
            Ok(()) => true,
            Err(refused) => {
                self.missed.store(true, Ordering::SeqCst);
                !refused.is_disconnected()
            }
        }
    }
}

struct Listener {
    messages: mpsc::Receiver<String>,
    missed: Arc<AtomicBool>,
}

#[async_trait]
impl Revocations for Listener {
    async fn next(&mut self) -> Option<Revocation> {
        if self.missed.swap(false, Ordering::SeqCst) {
            return Some(Revocation::Missed);
        }
        self.messages.next().await.map(Revocation::Session)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn hear(listener: &mut Box<dyn Revocations>) -> Option<Revocation> {
        listener.next().now_or_never().expect("there is something to hear")
    }

    #[test]
    fn slow_listener_hears_that_it_missed_some() {
        let bell = RevocationBell::default();
        let mut listener = bell.listen();
        for number in 0..BACKLOG * 2 {
            bell.ring(&number.to_string());
        }
        assert_eq!(hear(&mut listener), Some(Revocation::Missed));
        assert_eq!(hear(&mut listener), Some(Revocation::Session("0".to_owned())));
    }

    #[test]
    fn hushed_bell_ends_subscriptions() {
        let bell = RevocationBell::default();
        let mut listener = bell.listen();
        bell.ring("a");
        bell.hush();
        bell.ring("b");
        assert_eq!(hear(&mut listener), Some(Revocation::Session("a".to_owned())));
        assert_eq!(hear(&mut listener), None);
        assert_eq!(hear(&mut bell.listen()), None);
    }

    #[test]
    fn listeners_that_left_are_forgotten() {
        let bell = RevocationBell::default();
        drop(bell.listen());
        bell.ring("a");
        assert!(bell.listeners().as_ref().is_some_and(Vec::is_empty));
    }
}
