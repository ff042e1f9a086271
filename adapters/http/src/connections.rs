//! The connections there are: a bounded number, of which the one that has kept Miroir waiting the longest makes room.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::Instant;

/// Whether a connection is waited for: for a request, for the rest of one, or for its client to read.
pub(crate) struct Activity(Mutex<Option<Instant>>);

impl Default for Activity {
    fn default() -> Self {
        Self(Mutex::new(Some(Instant::now())))
    }
}

impl Activity {
    /// Miroir is at work for it.
    pub(crate) fn set_busy(&self) {
        self.set(None);
    }

    /// Its client has to do something.
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

/// The connections that are open.
pub(crate) struct Connections {
    limit: usize,
    tasks: JoinSet<()>,
    open: HashMap<Id, (Arc<Activity>, AbortHandle)>,
}

impl Connections {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), tasks: JoinSet::new(), open: HashMap::new() }
    }

    /// Serves one more. Where there are as many as there may be, the one that has been waited for the longest is closed; where
    /// every one is being answered, the new one is.
    pub(crate) fn add<F>(&mut self, serve: impl FnOnce(Arc<Activity>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if self.open.len() >= self.limit && !self.close_longest_idle() {
            tracing::warn!(
                target: "miroir::http",
                connections = self.open.len(),
                "a connection was refused: there are as many as there may be, and every one is being answered"
            );
            return;
        }
        let activity = Arc::new(Activity::default());
        let task = self.tasks.spawn(serve(Arc::clone(&activity)));
        self.open.insert(task.id(), (activity, task));
    }

    /// Waits until one has closed; none is left when there is none.
    pub(crate) async fn closed(&mut self) -> Option<()> {
        let id = match self.tasks.join_next_with_id().await? {
            Ok((id, ())) => id,
            Err(error) => error.id(),
        };
        self.open.remove(&id);
        Some(())
    }

    /// How many are open.
    pub(crate) fn count(&self) -> usize {
        self.open.len()
    }

    fn close_longest_idle(&mut self) -> bool {
        let idle = self.open.iter().filter_map(|(id, (activity, _))| Some((activity.idle_since()?, *id)));
        let Some((_, id)) = idle.min_by_key(|(since, _)| *since) else { return false };
        if let Some((_, task)) = self.open.remove(&id) {
            tracing::debug!(target: "miroir::http", "a connection that kept waiting is closed to make room");
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

    /// Tells its name when it is dropped.
    struct Named(&'static str, mpsc::UnboundedSender<&'static str>);

    impl Drop for Named {
        fn drop(&mut self) {
            // The test may be over.
            let _ = self.1.send(self.0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_one_that_has_kept_waiting_the_longest_makes_room() {
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
        // The oldest has just sent something, so the one after it has waited the longest, unless it is being answered.
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
    async fn where_every_one_is_being_answered_the_new_one_is_refused() {
        let mut connections = Connections::new(1);
        connections.add(|activity| {
            activity.set_busy();
            std::future::pending()
        });
        connections.add(|_| async { panic!("it was not refused") });
        assert_eq!(connections.count(), 1);
    }

    #[tokio::test]
    async fn those_that_ended_make_room() {
        let mut connections = Connections::new(1);
        for _ in 0..3 {
            connections.add(|_| async {});
            assert_eq!(connections.closed().await, Some(()));
        }
        assert_eq!((connections.count(), connections.closed().await), (0, None));
    }
}
