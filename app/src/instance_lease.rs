//! One Miroir for one shared store.
//!
//! A store on Redis can be opened by several processes. Two Miroirs must not work on it: the order in which writes reach the
//! nodes is kept in memory, and either would judge the other's writes in flight as lost. The one that works holds a lease;
//! the next waits until it ends, which makes it a standby. Who cannot renew its lease stops before another can have it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use miroir_ports::outbound::{Acquire, Clock, Lease, TaskStore};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

/// What the lease is called.
const SCOPE: &str = "instance";
/// How long a term lasts without being renewed.
const TTL: Duration = Duration::from_secs(10);
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_secs(3);
/// How much earlier than the store a holder considers its term as over.
const MARGIN: Duration = Duration::from_secs(1);
/// The pause before a renewal that failed, or a lease that is held, is tried again.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a start waits for the lease of a predecessor: the rest of its term, if it was killed.
const PATIENCE: Duration = Duration::from_secs(15);

/// Held while this process may work on the store.
pub struct InstanceLease {
    store: Arc<dyn TaskStore>,
    lease: Lease,
    lost: watch::Receiver<bool>,
    heartbeat: JoinHandle<()>,
}

impl InstanceLease {
    /// Takes the lease as `holder`, a name that no other process has.
    pub async fn take(
        store: Arc<dyn TaskStore>,
        clock: Arc<dyn Clock>,
        holder: String,
    ) -> anyhow::Result<Self> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let attempted = Instant::now();
            let answer = store.lease_acquire(SCOPE, &holder, TTL, clock.now()).await;
            match answer.context("taking the lease of the store")? {
                Acquire::Acquired(lease) => {
                    // A holder that was paused beyond its term and wakes up must find its changes refused.
                    let fenced = store.lease_fence(SCOPE, lease.token).await;
                    fenced.context("fencing the store with the lease")?;
                    let (tell, lost) = watch::channel(false);
                    let beat = Heart {
                        store: Arc::clone(&store),
                        clock,
                        lease: lease.clone(),
                        trusted_until: attempted + TTL - MARGIN,
                    };
                    let heartbeat = tokio::spawn(async move {
                        beat.run().await;
                        tell.send_replace(true);
                    });
                    return Ok(Self { store, lease, lost, heartbeat });
                }
                Acquire::Held(lease) if Instant::now() >= give_up => bail!(
                    "another Miroir (`{}`) uses it until {}: a store serves one instance at a time. Stop the other one, or \
                     give this one a `store.redis.prefix` of its own",
                    lease.holder,
                    lease.expires_at
                ),
                Acquire::Held(lease) => {
                    tracing::warn!(
                        holder = lease.holder,
                        "another Miroir uses the task store; waiting for it to end"
                    );
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Waits until the lease is lost.
    pub async fn lost(&mut self) {
        // An error says that the heart stopped, which is no better.
        let _ = self.lost.wait_for(|lost| *lost).await;
    }

    /// Gives the lease up, so that the next need not wait for its end.
    pub async fn release(self) {
        self.heartbeat.abort();
        let Lease { scope, holder, token, .. } = &self.lease;
        if let Err(error) = self.store.lease_release(scope, holder, *token).await {
            tracing::warn!("the lease of the store could not be given up and ends by itself: {error}");
        }
    }
}

/// Keeps a term going.
struct Heart {
    store: Arc<dyn TaskStore>,
    clock: Arc<dyn Clock>,
    lease: Lease,
    /// Counted from before the attempt that gave the term: the store cannot have begun it earlier.
    trusted_until: Instant,
}

impl Heart {
    /// Beats until the term is, or may be, over.
    async fn run(mut self) {
        let mut pause = RENEWAL;
        loop {
            let wake = Instant::now() + pause;
            if wake >= self.trusted_until {
                tokio::time::sleep_until(self.trusted_until).await;
                return;
            }
            tokio::time::sleep_until(wake).await;
            let attempted = Instant::now();
            let Lease { scope, holder, token, .. } = &self.lease;
            let renewal = self.store.lease_renew(scope, holder, *token, TTL, self.clock.now());
            match timeout_at(self.trusted_until, renewal).await {
                Ok(Ok(Some(_))) => {
                    self.trusted_until = attempted + TTL - MARGIN;
                    pause = RENEWAL;
                }
                Ok(Ok(None)) | Err(_) => return,
                Ok(Err(error)) => {
                    tracing::warn!("the lease of the store could not be renewed: {error}");
                    pause = PAUSE;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use miroir_domain::Timestamp;
    use miroir_memory::MemoryStore;
    use miroir_ports::outbound::{LeaseTable as _, StoreStatus as _};
    use miroir_system::ManualClock;

    use super::*;

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::new(Timestamp::from_millis(0)))
    }

    async fn take(
        store: &Arc<MemoryStore>,
        clock: &Arc<ManualClock>,
        who: &str,
    ) -> anyhow::Result<InstanceLease> {
        let store = Arc::clone(store) as Arc<dyn TaskStore>;
        InstanceLease::take(store, Arc::clone(clock) as Arc<dyn Clock>, who.to_owned()).await
    }

    #[tokio::test(start_paused = true)]
    async fn second_waits_for_the_first_and_gives_up() {
        let (store, clock) = (Arc::new(MemoryStore::new()), clock());
        let first = take(&store, &clock, "one").await.unwrap();
        let refused = take(&store, &clock, "two").await.err().unwrap().to_string();
        assert!(refused.contains("`one`") && refused.contains("store.redis.prefix"), "{refused}");
        first.release().await;
        let second = take(&store, &clock, "two").await.unwrap();
        assert_eq!(second.lease.token, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn holder_that_renews_keeps_its_term() {
        let (store, clock) = (Arc::new(MemoryStore::new()), clock());
        let mut lease = take(&store, &clock, "one").await.unwrap();
        for _ in 0..10 {
            clock.advance(RENEWAL);
            assert!(tokio::time::timeout(RENEWAL, lease.lost()).await.is_err());
        }
        assert!(store.lease_get(SCOPE, clock.now()).await.unwrap().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn holder_without_a_store_stops_before_its_term_ends() {
        let (store, clock) = (Arc::new(MemoryStore::new()), clock());
        let begun = Instant::now();
        let mut lease = take(&store, &clock, "one").await.unwrap();
        store.store_close().await.unwrap();
        lease.lost().await;
        assert_eq!(begun.elapsed() + MARGIN, TTL);
    }

    #[tokio::test(start_paused = true)]
    async fn holder_whose_term_another_has_stops_at_once() {
        let (store, clock) = (Arc::new(MemoryStore::new()), clock());
        let mut lease = take(&store, &clock, "one").await.unwrap();
        clock.advance(TTL);
        store.lease_acquire(SCOPE, "two", TTL, clock.now()).await.unwrap();
        assert!(tokio::time::timeout(RENEWAL * 2, lease.lost()).await.is_ok());
    }
}
