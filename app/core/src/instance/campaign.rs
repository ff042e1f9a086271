//! Gets a role, does it for a term, and gets it again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::role::Role;
use miroir_ports::outbound::{Clock, Observer, Occurrence, StoreError, TaskStore};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::directory::Directory;
use super::lease::{HeldLease, LeaseTimings, LeaseValidity};

/// The pause before a role that another has, or that could not be begun, is tried again.
const PAUSE: Duration = Duration::from_millis(300);

/// What is done while a role is held.
#[async_trait]
pub trait Work: Send + Sync + 'static {
    /// Works until `term` is over, then ends what is under way, and returns. Dropped when the term is lost: nothing may go
    /// on then.
    async fn work(&self, term: Term) -> Result<(), StoreError>;
}

/// A term as the work sees it.
pub struct Term {
    /// The store. Changes by this handle are refused once another has the role.
    pub store: Arc<dyn TaskStore>,
    /// Cancelled when the work is to end.
    pub over: CancellationToken,
    announcement: Option<Announcement>,
}

struct Announcement {
    directory: Arc<Directory>,
    role: Role,
    validity: LeaseValidity,
}

impl Term {
    /// Makes a term that no other instance can have, for an instance that has the store for itself.
    pub fn unlimited(store: Arc<dyn TaskStore>, over: CancellationToken) -> Self {
        Self { store, over, announcement: None }
    }

    /// Returns the validity of the term, or `None` for a term that no other instance can have.
    pub fn validity(&self) -> Option<LeaseValidity> {
        self.announcement.as_ref().map(|announcement| announcement.validity.clone())
    }

    /// Announces that this instance serves requests of the role from now on.
    pub fn announce(&self) {
        if let Some(Announcement { directory, role, validity }) = &self.announcement {
            directory.announce(role, validity.clone());
        }
    }
}

/// Gives out handles of one store.
pub type Handles = Arc<dyn Fn() -> Arc<dyn TaskStore> + Send + Sync>;

/// One role that this instance would do.
pub struct Campaign {
    /// The role.
    pub role: Role,
    /// What it consists of.
    pub work: Arc<dyn Work>,
    /// Handles of the store: one for leases, and one for each term.
    pub handles: Handles,
    /// The time, for stores that take it from their callers.
    pub clock: Arc<dyn Clock>,
    /// Who does what.
    pub directory: Arc<Directory>,
    /// The counter of the leases that this instance holds.
    pub observer: Arc<dyn Observer>,
    /// How long terms are.
    pub timings: LeaseTimings,
}

/// Campaigns until `shutdown`, and then ends a term in order.
pub async fn campaign_loop(campaign: Campaign, shutdown: CancellationToken) {
    let store = (campaign.handles)();
    campaign.observe_held(false);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = campaign.is_assigned_here(true) => {}
        }
        match campaign.begin(&store).await {
            Ok(Some((lease, store))) => campaign.serve(lease, store, &shutdown).await,
            Ok(None) => {}
            Err(error) => tracing::debug!(
                scope = campaign.role.name(),
                "no term begins: {}",
                miroir_ports::error_chain(&error)
            ),
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = sleep(PAUSE) => {}
        }
    }
}

impl Campaign {
    fn observe_held(&self, held: bool) {
        self.observer.observe(Occurrence::LeaseHeld { role: &self.role.name(), held });
    }

    /// Waits until the role falls to this instance, or to another.
    async fn is_assigned_here(&self, here: bool) {
        self.directory
            .wait_for(|directory| (directory.is_assigned_here(&self.role) == here).then_some(()))
            .await;
    }

    /// Begins a term, with a handle of the store behind its fence: a holder that was paused beyond its term and wakes up
    /// must find its changes refused.
    async fn begin(
        &self,
        store: &Arc<dyn TaskStore>,
    ) -> Result<Option<(HeldLease, Arc<dyn TaskStore>)>, StoreError> {
        let (scope, holder) = (self.role.name(), &self.directory.id);
        let Some(lease) = HeldLease::acquire(store, &self.clock, &scope, holder, self.timings).await? else {
            return Ok(None);
        };
        let fenced = (self.handles)();
        if let Err(error) = fenced.lease_fence(&scope, lease.token()).await {
            lease.release().await;
            return Err(error);
        }
        Ok(Some((lease, fenced)))
    }

    async fn serve(&self, lease: HeldLease, store: Arc<dyn TaskStore>, shutdown: &CancellationToken) {
        let (scope, token, mut validity) = (self.role.name(), lease.token(), lease.validity());
        self.log(token, "this instance has the role");
        self.observe_held(true);
        let over = CancellationToken::new();
        let announcement = Announcement {
            directory: Arc::clone(&self.directory),
            role: self.role.clone(),
            validity: validity.clone(),
        };
        let mut work = self.work.work(Term { store, over: over.clone(), announcement: Some(announcement) });
        let ended = tokio::select! {
            ended = &mut work => Some(ended),
            () = validity.expired() => None,
            () = self.leave(shutdown) => {
                self.directory.withdraw(&self.role);
                over.cancel();
                tokio::select! {
                    ended = &mut work => Some(ended),
                    () = validity.expired() => None,
                }
            }
        };
        self.directory.withdraw(&self.role);
        // Whatever is still under way is cut off.
        drop(work);
        self.observe_held(false);
        match ended {
            Some(Ok(())) => self.log(token, "this instance leaves the role to others"),
            Some(Err(error)) => tracing::warn!(scope, token, "the work could not be done: {error}"),
            None => {
                tracing::warn!(scope, token, "the lease could not be kept: another instance may have it now");
                return;
            }
        }
        lease.release().await;
    }

    /// Logs what happened to the role. There are many that are dealt out, and they come and go with every instance.
    fn log(&self, token: u64, what: &str) {
        let scope = self.role.name();
        if self.role.is_distributed() {
            tracing::debug!(scope, token, "{what}");
        } else {
            tracing::info!(scope, token, "{what}");
        }
    }

    /// Waits until this instance is to leave the role to others.
    async fn leave(&self, shutdown: &CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.is_assigned_here(false) => {}
        }
    }
}
