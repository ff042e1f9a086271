//! Acquires a role and does its work, term after term.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::role::Role;
use miroir_ports::error_chain;
use miroir_ports::outbound::{Clock, Observer, Occurrence, StoreError, TaskStore};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::directory::Directory;
use super::lease::{HeldLease, LeaseTimings, LeaseValidity};

/// The pause between two attempts to begin a term.
const PAUSE: Duration = Duration::from_millis(300);

/// The work of a role.
#[async_trait]
pub trait Work: Send + Sync + 'static {
    /// Works until `term` is over, then completes the work in progress and returns. The future is dropped if
    /// the lease is lost, because no work may continue then.
    async fn work(&self, term: Term) -> Result<(), StoreError>;
}

/// One term of a role, for the work of the role.
pub struct Term {
    /// The store. It refuses changes by this handle as soon as another instance holds the role.
    pub store: Arc<dyn TaskStore>,
    /// Cancelled when the work must end.
    pub over: CancellationToken,
    /// The number of the term: the token of its lease, or 0 for a term that no other instance can have.
    pub number: u64,
    announcement: Option<Announcement>,
}

/// The entry of a term in the directory.
struct Announcement {
    directory: Arc<Directory>,
    role: Role,
    validity: LeaseValidity,
}

impl Term {
    /// Makes a term that no other instance can have, for an instance that has the store for itself.
    pub fn unlimited(store: Arc<dyn TaskStore>, over: CancellationToken) -> Self {
        Self { store, over, number: 0, announcement: None }
    }

    /// Returns the validity of the term, or `None` for a term that no other instance can have.
    pub fn validity(&self) -> Option<LeaseValidity> {
        self.announcement.as_ref().map(|announcement| announcement.validity.clone())
    }

    /// Returns the directory of the instances, or `None` for a term that no other instance can have.
    pub fn directory(&self) -> Option<Arc<Directory>> {
        self.announcement.as_ref().map(|announcement| Arc::clone(&announcement.directory))
    }

    /// Announces that this instance serves requests of the role from now on.
    pub fn announce(&self) {
        if let Some(Announcement { directory, role, validity }) = &self.announcement {
            directory.announce(role, validity.clone());
        }
    }
}

/// Opens handles of one store.
pub type Handles = Arc<dyn Fn() -> Arc<dyn TaskStore> + Send + Sync>;

/// The campaign of this instance for one role.
pub struct Campaign {
    /// The role.
    pub role: Role,
    /// The work of the role.
    pub work: Arc<dyn Work>,
    /// Opens the handles of the store: one for leases, and one for each term.
    pub handles: Handles,
    /// The time, for stores that take it from their callers.
    pub clock: Arc<dyn Clock>,
    /// The directory in which terms are announced.
    pub directory: Arc<Directory>,
    /// The counter of the leases that this instance holds.
    pub observer: Arc<dyn Observer>,
    /// The timings of the lease.
    pub timings: LeaseTimings,
}

/// Campaigns until `shutdown`. Then ends the present term in order.
pub async fn campaign_loop(campaign: Campaign, shutdown: CancellationToken) {
    let store = (campaign.handles)();
    campaign.observe_held(false);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            () = campaign.is_assigned_here(true) => {}
        }
        match campaign.begin(&store).await {
            Ok(Some((lease, store))) => campaign.serve(lease, store, &shutdown).await,
            Ok(None) => {}
            Err(error) => {
                tracing::debug!(scope = campaign.role.name(), "no term begins: {}", error_chain(&error));
            }
        }
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            () = sleep(PAUSE) => {}
        }
    }
}

impl Campaign {
    fn observe_held(&self, held: bool) {
        self.observer.observe(Occurrence::LeaseHeld { role: &self.role.name(), held });
    }

    /// Waits until the role is assigned to this instance, or if `here` is false, to another.
    async fn is_assigned_here(&self, here: bool) {
        self.directory
            .wait_for(|directory| (directory.is_assigned_here(&self.role) == here).then_some(()))
            .await;
    }

    /// Begins a term with a store handle that is fenced: the store must refuse changes of a holder that was
    /// paused beyond the end of its term. Returns `None` while another term runs.
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

    /// Does the work of one term, and releases its lease unless it was lost.
    async fn serve(&self, lease: HeldLease, store: Arc<dyn TaskStore>, shutdown: &CancellationToken) {
        let (scope, token, validity) = (self.role.name(), lease.token(), lease.validity());
        self.log(token, "this instance holds the role");
        self.observe_held(true);
        let over = CancellationToken::new();
        let announcement = Announcement {
            directory: Arc::clone(&self.directory),
            role: self.role.clone(),
            validity: validity.clone(),
        };
        let mut work = self.work.work(Term {
            store,
            over: over.clone(),
            number: token,
            announcement: Some(announcement),
        });
        let ended = tokio::select! {
            biased;
            ended = &mut work => Some(ended),
            () = validity.expired() => None,
            () = self.leave(shutdown) => {
                self.directory.withdraw(&self.role);
                over.cancel();
                tokio::select! {
                    biased;
                    ended = &mut work => Some(ended),
                    () = validity.expired() => None,
                }
            }
        };
        self.directory.withdraw(&self.role);
        // Aborts work that is still in progress.
        drop(work);
        self.observe_held(false);
        match ended {
            Some(Ok(())) => self.log(token, "this instance has given up the role"),
            Some(Err(error)) => {
                let reason = error_chain(&error);
                tracing::warn!(scope, token, "the work of the role failed: {reason}");
            }
            None => {
                tracing::warn!(
                    scope,
                    token,
                    "the lease could not be kept: another instance may hold the role now"
                );
                return;
            }
        }
        lease.release().await;
    }

    /// Logs an event of the role. The events of distributed roles have a lower level: there are many of them,
    /// whenever an instance starts or stops.
    fn log(&self, token: u64, message: &str) {
        let scope = self.role.name();
        if self.role.is_distributed() {
            tracing::debug!(scope, token, "{message}");
        } else {
            tracing::info!(scope, token, "{message}");
        }
    }

    /// Waits until this instance must give up the role.
    async fn leave(&self, shutdown: &CancellationToken) {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            () = self.is_assigned_here(false) => {}
        }
    }
}
