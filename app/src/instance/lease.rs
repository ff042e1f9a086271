//! One term of one role: taken, kept up, given up.
//!
//! A holder trusts its term until a little before the store would give the role away, counted on its monotonic clock from
//! before the attempt that gave or renewed it. Clocks of the wall play no part: they may be minutes apart.

use std::sync::Arc;
use std::time::Duration;

use miroir_ports::outbound::{Acquire, Clock, Lease, StoreError, TaskStore};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout_at};

/// How long terms are.
#[derive(Debug, Clone, Copy)]
pub struct Span(Duration);

impl Span {
    /// Terms that the store keeps for `ttl` after they were last renewed.
    pub fn new(ttl: Duration) -> Self {
        Self(ttl)
    }

    /// How long the store keeps it.
    pub(super) fn ttl(self) -> Duration {
        self.0
    }

    /// How often it is renewed.
    pub(super) fn renewal(self) -> Duration {
        self.0 / 4
    }

    /// How long its holder trusts it.
    fn trusted(self) -> Duration {
        self.0 * 4 / 5
    }

    /// The pause before a renewal that failed is tried again.
    fn retry(self) -> Duration {
        self.0 / 20
    }
}

/// Until when a term is trusted.
#[derive(Debug, Clone)]
pub struct Trust(watch::Receiver<Instant>);

impl Trust {
    /// Trust until what `receiver` says; none once its sender is gone.
    #[cfg(test)]
    pub(super) fn of(receiver: watch::Receiver<Instant>) -> Self {
        Self(receiver)
    }

    /// Whether it is trusted now. Right also in a process that was paused and has not noticed yet.
    pub fn holds(&self) -> bool {
        self.0.has_changed().is_ok() && *self.0.borrow() > Instant::now()
    }

    /// Waits until it is not trusted any more.
    pub async fn lost(&mut self) {
        loop {
            let until = *self.0.borrow_and_update();
            tokio::select! {
                changed = self.0.changed() => if changed.is_err() { return },
                () = sleep_until(until) => if !self.holds() { return },
            }
        }
    }
}

/// A term that runs.
pub struct HeldLease {
    store: Arc<dyn TaskStore>,
    lease: Lease,
    trust: Trust,
    heartbeat: JoinHandle<()>,
}

impl HeldLease {
    /// Tries once to begin a term of `scope` for `holder`; none while another runs.
    pub async fn take(
        store: &Arc<dyn TaskStore>,
        clock: &Arc<dyn Clock>,
        scope: &str,
        holder: &str,
        span: Span,
    ) -> Result<Option<Self>, StoreError> {
        let attempted = Instant::now();
        let answer = store.lease_acquire(scope, holder, span.ttl(), clock.now()).await?;
        let Acquire::Acquired(lease) = answer else { return Ok(None) };
        let (trusted, trust) = watch::channel(attempted + span.trusted());
        let heart =
            Heart { store: Arc::clone(store), clock: Arc::clone(clock), lease: lease.clone(), span, trusted };
        let heartbeat = tokio::spawn(heart.run());
        Ok(Some(Self { store: Arc::clone(store), lease, trust: Trust(trust), heartbeat }))
    }

    /// Its fencing token.
    pub fn token(&self) -> u64 {
        self.lease.token
    }

    /// How far it is trusted.
    pub fn trust(&self) -> Trust {
        self.trust.clone()
    }

    /// Gives it up, so that the next need not wait for its end.
    pub async fn release(self) {
        self.heartbeat.abort();
        let Lease { scope, holder, token, .. } = &self.lease;
        if let Err(error) = self.store.lease_release(scope, holder, *token).await {
            tracing::warn!(
                scope,
                "a lease could not be given up and ends by itself: {}",
                miroir_ports::error_chain(&error)
            );
        }
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}

/// Keeps a term going.
struct Heart {
    store: Arc<dyn TaskStore>,
    clock: Arc<dyn Clock>,
    lease: Lease,
    span: Span,
    /// Gone when the term is, or may be, over.
    trusted: watch::Sender<Instant>,
}

impl Heart {
    async fn run(self) {
        let mut pause = self.span.renewal();
        loop {
            let trusted_until = *self.trusted.borrow();
            let wake = Instant::now() + pause;
            sleep_until(wake.min(trusted_until)).await;
            if Instant::now() >= trusted_until {
                return;
            }
            let attempted = Instant::now();
            let Lease { scope, holder, token, .. } = &self.lease;
            let renewal = self.store.lease_renew(scope, holder, *token, self.span.ttl(), self.clock.now());
            match timeout_at(trusted_until, renewal).await {
                Ok(Ok(Some(_))) => {
                    self.trusted.send_replace(attempted + self.span.trusted());
                    pause = self.span.renewal();
                }
                Ok(Ok(None)) | Err(_) => return,
                Ok(Err(error)) => {
                    tracing::warn!(
                        scope,
                        "a lease could not be renewed: {}",
                        miroir_ports::error_chain(&error)
                    );
                    pause = self.span.retry();
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
    use tokio::time::timeout;

    use super::*;

    const TTL: Duration = Duration::from_secs(10);

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::new(Timestamp::from_millis(0)))
    }

    async fn take(store: &Arc<MemoryStore>, clock: &Arc<ManualClock>, who: &str) -> Option<HeldLease> {
        let store = Arc::clone(store) as Arc<dyn TaskStore>;
        let clock = Arc::clone(clock) as Arc<dyn Clock>;
        HeldLease::take(&store, &clock, "role", who, Span::new(TTL)).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn one_holds_it_and_the_next_gets_a_greater_token() {
        let (store, clock) = (Arc::new(MemoryStore::new()), clock());
        let first = take(&store, &clock, "one").await.unwrap();
        assert!(take(&store, &clock, "two").await.is_none());
        first.release().await;
        assert_eq!(take(&store, &clock, "two").await.unwrap().token(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn holder_that_renews_keeps_its_term() {
        let (store, clock) = (Arc::new(MemoryStore::new()), clock());
        let lease = take(&store, &clock, "one").await.unwrap();
        for _ in 0..20 {
            clock.advance(TTL / 4);
            assert!(timeout(TTL / 4, lease.trust().lost()).await.is_err());
        }
        assert!(lease.trust().holds());
        assert!(store.lease_get("role", clock.now()).await.unwrap().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn holder_without_a_store_stops_before_its_term_ends() {
        let (store, clock) = (Arc::new(MemoryStore::new()), clock());
        let begun = Instant::now();
        let lease = take(&store, &clock, "one").await.unwrap();
        store.store_close().await.unwrap();
        lease.trust().lost().await;
        assert_eq!(begun.elapsed(), TTL * 4 / 5);
        assert!(!lease.trust().holds());
    }

    #[tokio::test(start_paused = true)]
    async fn holder_whose_term_another_has_stops_at_the_next_renewal() {
        let (store, clock) = (Arc::new(MemoryStore::new()), clock());
        let lease = take(&store, &clock, "one").await.unwrap();
        clock.advance(TTL);
        store.lease_acquire("role", "two", TTL, clock.now()).await.unwrap();
        timeout(TTL / 3, lease.trust().lost()).await.unwrap();
    }

    /// A process that was stopped for longer than its term and goes on: nothing has told it yet, only the clock has run.
    #[tokio::test(start_paused = true)]
    async fn term_is_not_trusted_after_its_time_even_before_anybody_was_told() {
        let (store, clock) = (Arc::new(MemoryStore::new()), clock());
        let lease = take(&store, &clock, "one").await.unwrap();
        lease.heartbeat.abort();
        let trust = lease.trust();
        assert!(trust.holds());
        tokio::time::advance(TTL).await;
        assert!(!trust.holds());
    }
}
