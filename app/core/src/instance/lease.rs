//! Acquires, renews and releases one lease.
//!
//! A holder considers its lease valid until shortly before the store lets another instance acquire it. The
//! time counts on the monotonic clock of the holder, from before the attempt that acquired or renewed the
//! lease. Wall clocks are not used, because they may differ by minutes.

use std::sync::Arc;
use std::time::Duration;

use miroir_ports::error_chain;
use miroir_ports::outbound::{Acquire, Clock, Lease, StoreError, TaskStore};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};

/// The durations of leases, all derived from the time for which the store keeps one.
#[derive(Debug, Clone, Copy)]
pub struct LeaseTimings(Duration);

impl LeaseTimings {
    /// Makes the timings of leases that the store keeps for `ttl` after they were last renewed.
    pub fn new(ttl: Duration) -> Self {
        Self(ttl)
    }

    /// Returns the time for which the store keeps a lease.
    pub(super) fn ttl(self) -> Duration {
        self.0
    }

    /// Returns the pause between two renewals.
    fn renewal(self) -> Duration {
        self.0 / 4
    }

    /// Returns the time for which the holder considers a lease valid.
    fn validity(self) -> Duration {
        self.0 * 4 / 5
    }

    /// Returns the pause before a renewal that failed is tried again.
    fn retry(self) -> Duration {
        self.0 / 20
    }
}

/// The instant until which a lease is valid.
#[derive(Debug, Clone)]
pub struct LeaseValidity {
    until: watch::Receiver<Instant>,
    /// Cancelled when the term is, or may be, over.
    over: CancellationToken,
}

impl LeaseValidity {
    /// Makes the validity that `receiver` shows. It ends when the sender is dropped.
    #[cfg(test)]
    pub(crate) fn of(receiver: watch::Receiver<Instant>) -> Self {
        Self { until: receiver, over: CancellationToken::new() }
    }

    /// Returns whether the lease is valid now, also in a process that was paused and has not noticed yet.
    pub fn is_valid(&self) -> bool {
        !self.over.is_cancelled() && self.until.has_changed().is_ok() && *self.until.borrow() > Instant::now()
    }

    /// Waits until the lease is no longer valid. Renewals do not wake it. Those that wait are woken in the
    /// order in which they began, which a watch does not promise: a simulation repeats it.
    pub async fn expired(&self) {
        while self.is_valid() {
            let until = *self.until.borrow();
            tokio::select! {
                biased;
                () = self.over.cancelled() => return,
                () = sleep_until(until) => {}
            }
        }
    }
}

/// A lease that this instance holds. It is renewed until it is released or dropped.
pub struct HeldLease {
    store: Arc<dyn TaskStore>,
    lease: Lease,
    validity: LeaseValidity,
    heartbeat: JoinHandle<()>,
}

impl HeldLease {
    /// Tries once to acquire the lease of `scope` for `holder`. Returns `None` while another term runs.
    pub async fn acquire(
        store: &Arc<dyn TaskStore>,
        clock: &Arc<dyn Clock>,
        scope: &str,
        holder: &str,
        timings: LeaseTimings,
    ) -> Result<Option<Self>, StoreError> {
        let attempted = Instant::now();
        let acquired = store.lease_acquire(scope, holder, timings.ttl(), clock.now()).await?;
        let Acquire::Acquired(lease) = acquired else { return Ok(None) };
        let (valid_until, until) = watch::channel(attempted + timings.validity());
        let over = CancellationToken::new();
        let validity = LeaseValidity { until, over: over.clone() };
        let heartbeat = Heartbeat {
            store: Arc::clone(store),
            clock: Arc::clone(clock),
            lease: lease.clone(),
            timings,
            valid_until,
            _over: over.drop_guard(),
        };
        let heartbeat = tokio::spawn(heartbeat.run());
        Ok(Some(Self { store: Arc::clone(store), lease, validity, heartbeat }))
    }

    /// Returns the fencing token.
    pub fn token(&self) -> u64 {
        self.lease.token
    }

    /// Returns the validity of the lease.
    pub fn validity(&self) -> LeaseValidity {
        self.validity.clone()
    }

    /// Releases the lease, so that the next holder does not wait for its end.
    pub async fn release(self) {
        self.heartbeat.abort();
        let Lease { scope, holder, token, .. } = &self.lease;
        if let Err(error) = self.store.lease_release(scope, holder, *token).await {
            let reason = error_chain(&error);
            tracing::warn!(scope, "a lease could not be released, so it lasts until it expires: {reason}");
        }
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}

/// Renews a lease.
struct Heartbeat {
    store: Arc<dyn TaskStore>,
    clock: Arc<dyn Clock>,
    lease: Lease,
    timings: LeaseTimings,
    valid_until: watch::Sender<Instant>,
    /// Dropped when the term is, or may be, over.
    _over: DropGuard,
}

impl Heartbeat {
    async fn run(self) {
        let mut pause = self.timings.renewal();
        loop {
            let valid_until = *self.valid_until.borrow();
            let wake = Instant::now() + pause;
            sleep_until(wake.min(valid_until)).await;
            if Instant::now() >= valid_until {
                return;
            }
            let attempted = Instant::now();
            let Lease { scope, holder, token, .. } = &self.lease;
            let renewal = self.store.lease_renew(scope, holder, *token, self.timings.ttl(), self.clock.now());
            match timeout_at(valid_until, renewal).await {
                Ok(Ok(Some(_))) => {
                    self.valid_until.send_replace(attempted + self.timings.validity());
                    pause = self.timings.renewal();
                }
                Ok(Ok(None)) | Err(_) => return,
                Ok(Err(error)) => {
                    tracing::warn!(scope, "a lease could not be renewed: {}", error_chain(&error));
                    pause = self.timings.retry();
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
        HeldLease::acquire(&store, &clock, "role", who, LeaseTimings::new(TTL)).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn acquire_refuses_while_held_and_gives_the_next_holder_a_greater_token() {
        let (store, clock) = (Arc::new(MemoryStore::new()), clock());
        let first = take(&store, &clock, "one").await.unwrap();
        assert!(take(&store, &clock, "two").await.is_none());
        first.release().await;
        assert_eq!(take(&store, &clock, "two").await.unwrap().token(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn lease_stays_valid_while_it_is_renewed() {
        let (store, clock) = (Arc::new(MemoryStore::new()), clock());
        let lease = take(&store, &clock, "one").await.unwrap();
        for _ in 0..20 {
            clock.advance(TTL / 4);
            assert!(timeout(TTL / 4, lease.validity().expired()).await.is_err());
        }
        assert!(lease.validity().is_valid());
        assert!(store.lease_get("role", clock.now()).await.unwrap().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn lease_expires_before_its_term_ends_when_the_store_is_lost() {
        let (store, clock) = (Arc::new(MemoryStore::new()), clock());
        let begun = Instant::now();
        let lease = take(&store, &clock, "one").await.unwrap();
        store.store_close().await.unwrap();
        lease.validity().expired().await;
        assert_eq!(begun.elapsed(), TTL * 4 / 5);
        assert!(!lease.validity().is_valid());
    }

    #[tokio::test(start_paused = true)]
    async fn lease_expires_at_the_next_renewal_when_another_instance_holds_it() {
        let (store, clock) = (Arc::new(MemoryStore::new()), clock());
        let lease = take(&store, &clock, "one").await.unwrap();
        clock.advance(TTL);
        store.lease_acquire("role", "two", TTL, clock.now()).await.unwrap();
        timeout(TTL / 3, lease.validity().expired()).await.unwrap();
    }

    /// Simulates a process that was paused for longer than its term: only the clock has advanced.
    #[tokio::test(start_paused = true)]
    async fn lease_is_invalid_after_its_time_before_its_heartbeat_notices() {
        let (store, clock) = (Arc::new(MemoryStore::new()), clock());
        let lease = take(&store, &clock, "one").await.unwrap();
        lease.heartbeat.abort();
        let validity = lease.validity();
        assert!(validity.is_valid());
        tokio::time::advance(TTL).await;
        assert!(!validity.is_valid());
    }
}
