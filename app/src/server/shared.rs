//! Joins the instances that share a store.

use std::net::SocketAddr;
use std::sync::Arc;

use miroir_domain::role::Role;
use miroir_http::Apis;
use miroir_ports::inbound::InstanceApi;
use miroir_ports::outbound::Ids as _;
use miroir_system::UuidIds;
use tokio::task::JoinSet;

use super::assembly::{Assembly, Services};
use super::delivery::DeliveryWork;
use crate::config::Config;
use miroir_core::canary::{CanaryPart, Executor, OwnedParts};
use miroir_core::cluster::ActiveCluster;
use miroir_core::identity::GuardedStore;
use miroir_core::infrastructure::Infrastructure;
use miroir_core::instance::{
    Campaign, Directory, Handles, InstanceService, LeaseTimings, Presence, Work, campaign_loop, presence_loop,
};
use miroir_core::replica::reported_state_loop;

/// Returns the directory of this instance: its id, its URL, and all roles.
pub(super) fn directory(
    config: &Config,
    address: SocketAddr,
    infrastructure: &Arc<Infrastructure>,
) -> Directory {
    let id = match &config.instance.id {
        Some(id) => id.as_str().to_owned(),
        None => UuidIds::default().unique_id(),
    };
    let url = match &config.instance.url {
        Some(url) => url.as_str().to_owned(),
        None => default_url(address),
    };
    let sinks = DeliveryWork::all(infrastructure).map(|sink| sink.role());
    let canaries = config.canary.enabled.then(Role::all_canaries).into_iter().flatten();
    Directory::new(id, url, sinks.chain(canaries).chain([Role::Writes]))
}

/// Returns the URL at which other instances probably reach a listener on `address`.
fn default_url(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://{}:{}", gethostname::gethostname().to_string_lossy(), address.port())
    } else {
        format!("http://{address}")
    }
}

impl Assembly<'_> {
    /// Joins the instances on the store: serves reads at once, and campaigns for every role.
    pub(super) fn start_shared(
        &self,
        directory: Directory,
        handles: &Handles,
        workers: &mut JoinSet<()>,
    ) -> Apis {
        let (directory, clock) = (Arc::new(directory), Arc::clone(&self.infrastructure.clock));
        let (handles, identity) = (Arc::clone(handles), Arc::clone(&self.infrastructure.identity));
        let handles: Handles =
            Arc::new(move || Arc::new(GuardedStore::new(handles(), Arc::clone(&identity))) as _);
        tracing::info!(
            instance = directory.id,
            url = directory.url,
            "sharing the task store with other instances"
        );
        let instance: Arc<dyn InstanceApi> = Arc::new(InstanceService::new(
            Arc::clone(self.store),
            Arc::clone(&clock),
            Arc::clone(&directory),
        ));
        let parts = Arc::new(OwnedParts::default());
        let Services { apis, active, canaries } =
            self.services(Arc::clone(&instance), Arc::clone(&parts) as _);
        let timings = LeaseTimings::new(self.config.instance.lease());
        for (role, work) in self.work(&active, &canaries.executor(), &parts) {
            let campaign = Campaign {
                role,
                work,
                handles: Arc::clone(&handles),
                clock: Arc::clone(&clock),
                directory: Arc::clone(&directory),
                observer: Arc::clone(&self.infrastructure.observer),
                timings,
            };
            workers.spawn(campaign_loop(campaign, self.stop_workers.clone()));
        }
        workers.spawn(reported_state_loop(
            Arc::clone(&self.infrastructure.reported),
            handles(),
            self.stop_workers.clone(),
        ));
        let observer = Arc::clone(&self.infrastructure.observer);
        let presence = Presence {
            store: handles(),
            clock,
            directory,
            observer,
            timings,
            max_staleness: self.config.store.max_staleness(),
            topology: self.infrastructure.own_topology(),
        };
        workers.spawn(presence_loop(presence, self.stop_workers.clone()));
        canaries.start_workers(self.config.canary.enabled, workers, self.stop_workers);
        apis
    }

    /// Returns the work of every role.
    fn work(
        &self,
        active: &Arc<ActiveCluster>,
        executor: &Arc<Executor>,
        parts: &Arc<OwnedParts>,
    ) -> Vec<(Role, Arc<dyn Work>)> {
        let leader = self.leader(Arc::clone(active), true);
        let mut work: Vec<(Role, Arc<dyn Work>)> = vec![(Role::Writes, Arc::new(leader))];
        for sink in DeliveryWork::all(self.infrastructure) {
            work.push((sink.role(), Arc::new(sink)));
        }
        if self.config.canary.enabled {
            for part in Role::all_canaries() {
                let canaries = CanaryPart::new(part.clone(), Arc::clone(executor), Arc::clone(parts));
                work.push((part, Arc::new(canaries)));
            }
        }
        work
    }
}
