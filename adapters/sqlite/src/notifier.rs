//! The notifier of revocations in this process.

use futures_util::{StreamExt as _, stream};
use miroir_ports::outbound::{Revocation, Revocations};
use parking_lot::Mutex;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

/// The number of revocations that a subscriber may be behind before it misses some.
const CAPACITY: usize = 1_024;

/// A notifier of revocations. Subscriptions end when it is closed or dropped.
#[derive(Debug)]
pub(crate) struct RevocationNotifier {
    /// `None` once the notifier is closed.
    sender: Mutex<Option<broadcast::Sender<String>>>,
}

impl Default for RevocationNotifier {
    fn default() -> Self {
        Self { sender: Mutex::new(Some(broadcast::Sender::new(CAPACITY))) }
    }
}

impl RevocationNotifier {
    /// Notifies all subscribers that the session was revoked.
    pub(crate) fn notify(&self, session_id: &str) {
        if let Some(sender) = self.sender.lock().as_ref() {
            // Sending fails if there are no subscribers.
            let _ = sender.send(session_id.to_owned());
        }
    }

    /// Returns a subscription, which is empty if the notifier is closed.
    pub(crate) fn subscribe(&self) -> Revocations {
        match self.sender.lock().as_ref() {
            Some(sender) => BroadcastStream::new(sender.subscribe())
                .map(|message| message.map_or(Revocation::Missed, Revocation::Session))
                .boxed(),
            None => stream::empty().boxed(),
        }
    }

    /// Ends all subscriptions, each after the revocations that were sent before.
    pub(crate) fn close(&self) {
        self.sender.lock().take();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn next(subscription: &mut Revocations) -> Option<Revocation> {
        subscription.next().now_or_never().expect("a message or the end")
    }

    #[test]
    fn slow_subscriber_receives_missed_and_then_the_newest() {
        let notifier = RevocationNotifier::default();
        let mut subscription = notifier.subscribe();
        for number in 0..CAPACITY * 2 {
            notifier.notify(&number.to_string());
        }
        assert_eq!(next(&mut subscription), Some(Revocation::Missed));
        assert_eq!(next(&mut subscription), Some(Revocation::Session(CAPACITY.to_string())));
    }

    #[test]
    fn close_ends_subscriptions_after_what_was_sent() {
        let notifier = RevocationNotifier::default();
        let mut subscription = notifier.subscribe();
        notifier.notify("a");
        notifier.close();
        notifier.notify("b");
        assert_eq!(next(&mut subscription), Some(Revocation::Session("a".to_owned())));
        assert_eq!(next(&mut subscription), None);
        assert_eq!(next(&mut notifier.subscribe()), None);
    }

    #[test]
    fn dropped_subscription_is_forgotten() {
        let notifier = RevocationNotifier::default();
        drop(notifier.subscribe());
        notifier.notify("a");
        assert_eq!(notifier.sender.lock().as_ref().map(broadcast::Sender::receiver_count), Some(0));
    }
}
