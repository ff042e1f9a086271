//! That this instance lives, and which others do.

use std::sync::Arc;
use std::time::Duration;

use miroir_ports::outbound::{Clock, Lease, Observer, Occurrence, StoreError, TaskStore};

use super::directory::{Directory, INSTANCE_PREFIX};
use super::lease::{HeldLease, LeaseTimings};
use tokio_util::sync::CancellationToken;

/// How often the store is read.
const PAUSE: Duration = Duration::from_millis(300);

/// Keeps the sign of life of one instance up, and its directory true.
pub struct Presence {
    /// The store, by a handle of its own.
    pub store: Arc<dyn TaskStore>,
    /// The time, for stores that take it from their callers.
    pub clock: Arc<dyn Clock>,
    /// What is kept true.
    pub directory: Arc<Directory>,
    /// The counter of the live instances.
    pub observer: Arc<dyn Observer>,
    /// How long the sign of life lasts.
    pub timings: LeaseTimings,
}

/// Shows presence until `shutdown`.
pub async fn presence_loop(presence: Presence, shutdown: CancellationToken) {
    let mut lease: Option<HeldLease> = None;
    let (mut warned, mut name_is_taken) = (false, false);
    loop {
        match presence.renew(&mut lease).await {
            Ok(other) => {
                if std::mem::take(&mut warned) {
                    tracing::info!("the task store answers again");
                }
                presence.warn_of_duplicate(other.as_ref(), &mut name_is_taken);
            }
            Err(error) => {
                if !std::mem::replace(&mut warned, true) {
                    tracing::warn!("cannot tell which instances live: {}", miroir_ports::error_chain(&error));
                }
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
    if let Some(lease) = lease {
        lease.release().await;
    }
}

impl Presence {
    /// Shows it once. Answers with the sign of life of another instance of the same name, if there is one.
    async fn renew(&self, lease: &mut Option<HeldLease>) -> Result<Option<Lease>, StoreError> {
        let (scope, url) = (self.directory.presence_scope(), &self.directory.url);
        if !lease.as_ref().is_some_and(|lease| lease.validity().is_valid()) {
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

    /// Warns of another instance of the same name, once for as long as there is one.
    fn warn_of_duplicate(&self, other: Option<&Lease>, known: &mut bool) {
        let was_known = std::mem::replace(known, other.is_some());
        if let (Some(other), false) = (other, was_known) {
            tracing::warn!(
                instance = self.directory.id,
                "the instance at {} has the same name, so this one does nothing for others: give each an `instance.id` of \
                 its own",
                other.holder
            );
        }
    }
}
