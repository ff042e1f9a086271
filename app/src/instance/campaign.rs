//! Gets a role, does it for a term, and gets it again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::role::Role;
use miroir_ports::outbound::{Clock, StoreError, TaskStore};
use tokio::sync::watch;
use tokio::time::sleep;

use super::directory::Directory;
use super::lease::{HeldLease, Span, Trust};
use crate::metrics::Metrics;
use crate::worker::{Shutdown, stopped};

/// The pause before a role that another has, or that could not be begun, is tried again.
const PAUSE: Duration = Duration::from_millis(300);

/// What is done while a role is held.
#[async_trait]
pub trait Work: Send + Sync + 'static {
    /// Works until `term` is over, then ends what is under way, and returns. Dropped when the term is lost: nothing may go
    /// on then.
    async fn work(&self, term: Term) -> anyhow::Result<()>;
}

/// A term as the work sees it.
pub struct Term {
    /// The store. Changes by this handle are refused once another has the role.
    pub store: Arc<dyn TaskStore>,
    /// Turns true when the work is to end.
    pub over: Shutdown,
    seat: Option<Seat>,
}

struct Seat {
    directory: Arc<Directory>,
    role: Role,
    trust: Trust,
}

impl Term {
    /// A term that nobody else can have: of an instance that has the store for itself.
    pub fn unlimited(store: Arc<dyn TaskStore>, over: Shutdown) -> Self {
        Self { store, over, seat: None }
    }

    /// How far the term is trusted; none for one that nobody else can have.
    pub fn trust(&self) -> Option<Trust> {
        self.seat.as_ref().map(|seat| seat.trust.clone())
    }

    /// From now on requests that belong to the role are answered here.
    pub fn take_seat(&self) {
        if let Some(Seat { directory, role, trust }) = &self.seat {
            directory.hold(role, trust.clone());
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
    /// Where it is shown which roles this instance has.
    pub metrics: Arc<Metrics>,
    /// How long terms are.
    pub span: Span,
}

/// Campaigns until `shutdown`, and then ends a term in order.
pub async fn campaign_loop(campaign: Campaign, mut shutdown: Shutdown) {
    let store = (campaign.handles)();
    campaign.metrics.lease_held(&campaign.role.name(), false);
    loop {
        tokio::select! {
            () = stopped(&mut shutdown) => return,
            () = campaign.is_assigned_here(true) => {}
        }
        match campaign.begin(&store).await {
            Ok(Some((lease, store))) => campaign.serve(lease, store, &mut shutdown).await,
            Ok(None) => {}
            Err(error) => tracing::debug!(
                scope = campaign.role.name(),
                "no term begins: {}",
                miroir_ports::error_chain(&error)
            ),
        }
        tokio::select! {
            () = stopped(&mut shutdown) => return,
            () = sleep(PAUSE) => {}
        }
    }
}

impl Campaign {
    /// Waits until the role falls to this instance, or to another.
    async fn is_assigned_here(&self, here: bool) {
        self.directory
            .until(|directory| (directory.is_assigned_here(&self.role) == here).then_some(()))
            .await;
    }

    /// Begins a term, with a handle of the store behind its fence: a holder that was paused beyond its term and wakes up
    /// must find its changes refused.
    async fn begin(
        &self,
        store: &Arc<dyn TaskStore>,
    ) -> Result<Option<(HeldLease, Arc<dyn TaskStore>)>, StoreError> {
        let (scope, holder) = (self.role.name(), &self.directory.me);
        let Some(lease) = HeldLease::take(store, &self.clock, &scope, holder, self.span).await? else {
            return Ok(None);
        };
        let fenced = (self.handles)();
        if let Err(error) = fenced.lease_fence(&scope, lease.token()).await {
            lease.release().await;
            return Err(error);
        }
        Ok(Some((lease, fenced)))
    }

    async fn serve(&self, lease: HeldLease, store: Arc<dyn TaskStore>, shutdown: &mut Shutdown) {
        let (scope, token, mut trust) = (self.role.name(), lease.token(), lease.trust());
        self.tell(token, "this instance has the role");
        self.metrics.lease_held(&scope, true);
        let (end, over) = watch::channel(false);
        let seat =
            Seat { directory: Arc::clone(&self.directory), role: self.role.clone(), trust: trust.clone() };
        let mut work = self.work.work(Term { store, over, seat: Some(seat) });
        let ended = tokio::select! {
            ended = &mut work => Some(ended),
            () = trust.lost() => None,
            () = self.leave(shutdown) => {
                self.directory.withdraw(&self.role);
                end.send_replace(true);
                tokio::select! {
                    ended = &mut work => Some(ended),
                    () = trust.lost() => None,
                }
            }
        };
        self.directory.withdraw(&self.role);
        // Whatever is still under way is cut off.
        drop(work);
        self.metrics.lease_held(&scope, false);
        match ended {
            Some(Ok(())) => self.tell(token, "this instance leaves the role to others"),
            Some(Err(error)) => tracing::warn!(scope, token, "the work could not be done: {error:#}"),
            None => {
                tracing::warn!(scope, token, "the lease could not be kept: another instance may have it now");
                return;
            }
        }
        lease.release().await;
    }

    /// Logs what happened to the role. There are many that are dealt out, and they come and go with every instance.
    fn tell(&self, token: u64, what: &str) {
        let scope = self.role.name();
        if self.role.is_distributed() {
            tracing::debug!(scope, token, "{what}");
        } else {
            tracing::info!(scope, token, "{what}");
        }
    }

    /// Waits until this instance is to leave the role to others.
    async fn leave(&self, shutdown: &mut Shutdown) {
        tokio::select! {
            () = stopped(shutdown) => {}
            () = self.is_assigned_here(false) => {}
        }
    }
}
