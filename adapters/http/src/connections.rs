//! Open connections: a limited number. Beyond the limit, the connection that has been idle the longest is
//! closed.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::Instant;

/// The activity of a connection. It is idle while Miroir waits for its client: for a request, for the rest of
/// a request, or for the client to read a response. The value is the instant since which it is idle, or
/// `None` while it is busy.
pub(crate) struct Activity(Mutex<Option<Instant>>);

impl Default for Activity {
    fn default() -> Self {
        Self(Mutex::new(Some(Instant::now())))
    }
}

impl Activity {
    /// Marks the connection as busy: Miroir processes a request of it.
    pub(crate) fn set_busy(&self) {
        self.set(None);
    }

    /// Marks the connection as idle from now on.
    pub(crate) fn set_idle(&self) {
        self.set(Some(Instant::now()));
    }

    fn set(&self, since: Option<Instant>) {
        *self.0.lock() = since;
    }

    fn idle_since(&self) -> Option<Instant> {
        *self.0.lock()
    }
}

/// The open connections.
pub(crate) struct Connections {
    limit: usize,
    tasks: JoinSet<()>,
    open: HashMap<Id, (Arc<Activity>, AbortHandle)>,
}

impl Connections {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), tasks: JoinSet::new(), open: HashMap::new() }
    }

    /// Serves a new connection. At the limit, the connection that has been idle the longest is closed first.
    /// If every connection is busy, the new one is closed instead.
    pub(crate) fn add<F>(&mut self, serve: impl FnOnce(Arc<Activity>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if self.open.len() >= self.limit && !self.close_longest_idle() {
            tracing::warn!(
                target: "miroir::http",
                connections = self.open.len(),
                "a connection was refused: the limit is reached, and every connection is busy"
            );
            return;
        }
        let activity = Arc::new(Activity::default());
        let task = self.tasks.spawn(serve(Arc::clone(&activity)));
        self.open.insert(task.id(), (activity, task));
    }

    /// Waits for the next connection to close. Returns `None` if there are none.
    pub(crate) async fn closed(&mut self) -> Option<()> {
        let id = match self.tasks.join_next_with_id().await? {
            Ok((id, ())) => id,
            Err(error) => error.id(),
        };
        self.open.remove(&id);
        Some(())
    }

    /// Returns the number of open connections.
    pub(crate) fn count(&self) -> usize {
        self.open.len()
    }

    /// Closes the connection that has been idle the longest. Returns false if every connection is busy.
    fn close_longest_idle(&mut self) -> bool {
        let idle = self.open.iter().filter_map(|(id, (activity, _))| Some((activity.idle_since()?, *id)));
        let Some((_, id)) = idle.min_by_key(|(since, _)| *since) else { return false };
        if let Some((_, task)) = self.open.remove(&id) {
            tracing::debug!(target: "miroir::http", "an idle connection is closed in favor of a new one");
            task.abort();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::mpsc;

    use super::*;

    /// Sends its name when it is dropped.
    struct Named(&'static str, mpsc::UnboundedSender<&'static str>);

    impl Drop for Named {
        fn drop(&mut self) {
            // Fails if the test is over.
            let _ = self.1.send(self.0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn add_closes_the_longest_idle_connection_at_the_limit() {
        let (sender, mut closed) = mpsc::unbounded_channel();
        let mut connections = Connections::new(3);
        let mut activities = Vec::new();
        let mut add = |connections: &mut Connections, name| {
            let named = Named(name, sender.clone());
            connections.add(|activity| {
                activities.push(Arc::clone(&activity));
                async move {
                    let _named = named;
                    std::future::pending::<()>().await;
                }
            });
            activities.clone()
        };
        for name in ["old", "busy", "young"] {
            add(&mut connections, name)[0].set_idle();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        // The oldest was active last, so at the limit the one after it has been idle the longest.
        let activities = add(&mut connections, "unseen");
        assert_eq!(closed.recv().await, Some("busy"));
        activities[2].set_busy();
        activities[3].set_busy();
        add(&mut connections, "next");
        assert_eq!(closed.recv().await, Some("old"));
        add(&mut connections, "last")[4].set_busy();
        assert_eq!(closed.recv().await, Some("next"));
        assert_eq!(connections.count(), 3);
    }

    #[tokio::test]
    async fn add_refuses_a_connection_if_every_other_is_busy() {
        let mut connections = Connections::new(1);
        connections.add(|activity| {
            activity.set_busy();
            std::future::pending()
        });
        connections.add(|_| async { panic!("it was not refused") });
        assert_eq!(connections.count(), 1);
    }

    #[tokio::test]
    async fn closed_connections_do_not_count() {
        let mut connections = Connections::new(1);
        for _ in 0..3 {
            connections.add(|_| async {});
            assert_eq!(connections.closed().await, Some(()));
        }
        assert_eq!((connections.count(), connections.closed().await), (0, None));
    }
}
