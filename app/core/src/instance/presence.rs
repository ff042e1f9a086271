//! Announces this instance in the store and reads the others.

use std::sync::Arc;
use std::time::Duration;

use miroir_domain::identity::OwnTopology;
use miroir_ports::outbound::{Clock, Lease, Observer, Occurrence, StoreError, TaskStore};

use super::directory::{Directory, INSTANCE_PREFIX};
use super::lease::{HeldLease, LeaseTimings};
use tokio_util::sync::CancellationToken;

/// The pause between two reads of the store.
const PAUSE: Duration = Duration::from_millis(300);

/// Keeps the presence lease of one instance and updates its directory.
pub struct Presence {
    /// The store, with a handle that nothing else uses.
    pub store: Arc<dyn TaskStore>,
    /// The time, for stores that take it from their callers.
    pub clock: Arc<dyn Clock>,
    /// The directory that is updated.
    pub directory: Arc<Directory>,
    /// The counter of the live instances.
    pub observer: Arc<dyn Observer>,
    /// The timings of the presence lease.
    pub timings: LeaseTimings,
    /// The time for which reads go on without the store.
    pub max_staleness: Duration,
    /// The comparison of the topology of this instance with the accepted one.
    pub topology: Arc<dyn Fn() -> OwnTopology + Send + Sync>,
}

/// The leases of one instance.
#[derive(Default)]
struct Held {
    presence: Option<HeldLease>,
    /// The lease of the topology by which the instance reads, with its version.
    topology: Option<(u64, HeldLease)>,
}

/// Announces presence and topology until `shutdown`. Then releases the leases.
pub async fn presence_loop(presence: Presence, shutdown: CancellationToken) {
    let mut held = Held::default();
    let (mut warned, mut name_is_taken) = (false, false);
    loop {
        match presence.renew(&mut held).await {
            Ok(other) => {
                if std::mem::take(&mut warned) {
                    tracing::info!("the task store is available again");
                }
                presence.warn_of_duplicate(other.as_ref(), &mut name_is_taken);
            }
            Err(error) => {
                if !std::mem::replace(&mut warned, true) {
                    tracing::warn!(
                        "the live instances cannot be read: {}",
                        miroir_ports::error_chain(&error)
                    );
                }
            }
        }
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
    let topology = held.topology.map(|(_, lease)| lease);
    for lease in [held.presence, topology].into_iter().flatten() {
        lease.release().await;
    }
}

impl Presence {
    /// Acquires the leases unless they are held, and updates the directory. Returns the presence lease of
    /// another instance of the same name, if there is one.
    async fn renew(&self, held: &mut Held) -> Result<Option<Lease>, StoreError> {
        // First, so that no other instance sees this one without its topology.
        self.renew_topology(&mut held.topology).await?;
        let lease = &mut held.presence;
        let (scope, url) = (self.directory.presence_scope(), &self.directory.url);
        if !is_valid(lease.as_ref()) {
            *lease = HeldLease::acquire(&self.store, &self.clock, &scope, url, self.timings).await?;
        }
        let leases = self.store.lease_list(self.clock.now()).await?;
        let other = leases.iter().find(|lease| lease.scope == scope && lease.holder != *url);
        let other = other.filter(|_| lease.is_none()).cloned();
        let count = leases.iter().filter(|lease| lease.scope.starts_with(INSTANCE_PREFIX)).count();
        self.observer.observe(Occurrence::InstancesSeen { count });
        self.directory.update(leases, lease.is_some());
        Ok(other)
    }

    /// Says in the store by which topology this instance reads. The lease of a former one is kept, and runs
    /// on after a crash or without the store for longer than reads may go on.
    async fn renew_topology(&self, held: &mut Option<(u64, HeldLease)>) -> Result<(), StoreError> {
        let known = held.as_ref().map(|(version, _)| *version);
        let version = match (self.topology)() {
            OwnTopology::Accepted { version } => Some(version),
            OwnTopology::Unknown | OwnTopology::Former => known,
        };
        if version == known && is_valid(held.as_ref().map(|(_, lease)| lease)) {
            return Ok(());
        }
        if let Some((_, lease)) = held.take() {
            lease.release().await;
        }
        let Some(version) = version else { return Ok(()) };
        let (scope, holder) = (self.directory.topology_scope(), version.to_string());
        // It is renewed after a quarter of this time, so it runs for three quarters at least.
        let timings = LeaseTimings::new(self.max_staleness * 3 / 2 + self.timings.ttl());
        let lease = HeldLease::acquire(&self.store, &self.clock, &scope, &holder, timings).await?;
        *held = lease.map(|lease| (version, lease));
        Ok(())
    }

    /// Warns of another instance of the same name, once as long as there is one.
    fn warn_of_duplicate(&self, other: Option<&Lease>, known: &mut bool) {
        let was_known = std::mem::replace(known, other.is_some());
        if let (Some(other), false) = (other, was_known) {
            tracing::warn!(
                instance = self.directory.id,
                "the instance at {} has the same name, so this instance takes no roles: configure a different \
                 `instance.id` for each instance",
                other.holder
            );
        }
    }
}

fn is_valid(lease: Option<&HeldLease>) -> bool {
    lease.is_some_and(|lease| lease.validity().is_valid())
}
