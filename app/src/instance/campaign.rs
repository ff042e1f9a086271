//! Gets a duty, does it for a term, and gets it again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use miroir_domain::duty::Duty;
use miroir_ports::outbound::{Clock, StoreError, TaskStore};
use tokio::sync::watch;
use tokio::time::sleep;

use super::directory::Directory;
use super::lease::{HeldLease, Span, Trust};
use crate::metrics::Metrics;
use crate::worker::{Shutdown, stopped};

/// The pause before a duty that another has, or that could not be begun, is tried again.
const PAUSE: Duration = Duration::from_millis(300);

/// What is done while a duty is held.
#[async_trait]
pub trait Work: Send + Sync + 'static {
    /// Works until `term` is over, then ends what is under way, and returns. Dropped when the term is lost: nothing may go
    /// on then.
    async fn work(&self, term: Term) -> anyhow::Result<()>;
}

/// A term as the work sees it.
pub struct Term {
    /// The store. Changes by this handle are refused once another has the duty.
    pub store: Arc<dyn TaskStore>,
    /// Turns true when the work is to end.
    pub over: Shutdown,
    seat: Option<Seat>,
}

struct Seat {
    directory: Arc<Directory>,
    duty: Duty,
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

    /// From now on requests that belong to the duty are answered here.
    pub fn take_seat(&self) {
        if let Some(Seat { directory, duty, trust }) = &self.seat {
            directory.hold(duty, trust.clone());
        }
    }
}

/// Gives out handles of one store.
pub type Handles = Arc<dyn Fn() -> Arc<dyn TaskStore> + Send + Sync>;

/// One duty that this instance would do.
pub struct Campaign {
    /// The duty.
    pub duty: Duty,
    /// What it consists of.
    pub work: Arc<dyn Work>,
    /// Handles of the store: one for leases, and one for each term.
    pub handles: Handles,
    /// The time, for stores that take it from their callers.
    pub clock: Arc<dyn Clock>,
    /// Who does what.
    pub directory: Arc<Directory>,
    /// Where it is shown which duties this instance has.
    pub metrics: Arc<Metrics>,
    /// How long terms are.
    pub span: Span,
}

/// Campaigns until `shutdown`, and then ends a term in order.
pub async fn campaign_loop(campaign: Campaign, mut shutdown: Shutdown) {
    let store = (campaign.handles)();
    campaign.metrics.lease_held(&campaign.duty.scope(), false);
    loop {
        tokio::select! {
            () = stopped(&mut shutdown) => return,
            () = campaign.falls_here(true) => {}
        }
        match campaign.begin(&store).await {
            Ok(Some((lease, store))) => campaign.serve(lease, store, &mut shutdown).await,
            Ok(None) => {}
            Err(error) => tracing::debug!(scope = campaign.duty.scope(), "no term begins: {error}"),
        }
        tokio::select! {
            () = stopped(&mut shutdown) => return,
            () = sleep(PAUSE) => {}
        }
    }
}

impl Campaign {
    /// Waits until the duty falls to this instance, or to another.
    async fn falls_here(&self, here: bool) {
        self.directory.until(|directory| (directory.falls_here(&self.duty) == here).then_some(())).await;
    }

    /// Begins a term, with a handle of the store behind its fence: a holder that was paused beyond its term and wakes up
    /// must find its changes refused.
    async fn begin(
        &self,
        store: &Arc<dyn TaskStore>,
    ) -> Result<Option<(HeldLease, Arc<dyn TaskStore>)>, StoreError> {
        let (scope, holder) = (self.duty.scope(), &self.directory.me);
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
        let (scope, token, mut trust) = (self.duty.scope(), lease.token(), lease.trust());
        self.tell(token, "this instance has the duty");
        self.metrics.lease_held(&scope, true);
        let (end, over) = watch::channel(false);
        let seat =
            Seat { directory: Arc::clone(&self.directory), duty: self.duty.clone(), trust: trust.clone() };
        let mut work = self.work.work(Term { store, over, seat: Some(seat) });
        let ended = tokio::select! {
            ended = &mut work => Some(ended),
            () = trust.lost() => None,
            () = self.leave(shutdown) => {
                self.directory.withdraw(&self.duty);
                end.send_replace(true);
                tokio::select! {
                    ended = &mut work => Some(ended),
                    () = trust.lost() => None,
                }
            }
        };
        self.directory.withdraw(&self.duty);
        // Whatever is still under way is cut off.
        drop(work);
        self.metrics.lease_held(&scope, false);
        match ended {
            Some(Ok(())) => self.tell(token, "this instance leaves the duty to others"),
            Some(Err(error)) => tracing::warn!(scope, token, "the work could not be done: {error:#}"),
            None => {
                tracing::warn!(scope, token, "the lease could not be kept: another instance may have it now");
                return;
            }
        }
        lease.release().await;
    }

    /// Logs what happened to the duty. There are many that are dealt out, and they come and go with every instance.
    fn tell(&self, token: u64, what: &str) {
        let scope = self.duty.scope();
        if self.duty.is_dealt_out() {
            tracing::debug!(scope, token, "{what}");
        } else {
            tracing::info!(scope, token, "{what}");
        }
    }

    /// Waits until this instance is to leave the duty to others.
    async fn leave(&self, shutdown: &mut Shutdown) {
        tokio::select! {
            () = stopped(shutdown) => {}
            () = self.falls_here(false) => {}
        }
    }
}
