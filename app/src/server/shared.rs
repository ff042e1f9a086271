//! A store that other instances share: who this one is, and the roles it campaigns for.

use std::net::SocketAddr;
use std::sync::Arc;

use miroir_domain::role::Role;
use miroir_ports::inbound::InstanceApi;
use miroir_ports::outbound::Ids as _;
use miroir_system::UuidIds;
use tokio::task::JoinSet;

use super::delivery::SinkDelivery;
use super::stage::Stage;
use super::writes::Writes;
use super::{Program, Shutdown};
use crate::canary::{CanaryPart, Executor, OwnedParts};
use crate::config::Config;
use crate::instance::{
    Campaign, Directory, Handles, InstanceService, Presence, Span, Work, campaign_loop, hearsay_loop,
    presence_loop,
};
use crate::wiring::{self, Outside};

/// Who this instance is, where it is reached, and which roles there are.
pub(super) fn directory(config: &Config, address: SocketAddr, outside: &Arc<Outside>) -> Directory {
    let id = match &config.instance.id {
        Some(id) => id.as_str().to_owned(),
        None => UuidIds::default().unique_id(),
    };
    let url = match &config.instance.url {
        Some(url) => url.as_str().to_owned(),
        None => default_url(address),
    };
    let sinks = SinkDelivery::all(outside).map(|sink| sink.role());
    let canaries = config.canary.enabled.then(Role::all_canaries).into_iter().flatten();
    Directory::new(id, url, sinks.chain(canaries).chain([Role::Writes]))
}

/// Where others probably reach what listens on `address`.
fn default_url(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://{}:{}", gethostname::gethostname().to_string_lossy(), address.port())
    } else {
        format!("http://{address}")
    }
}

impl Program<'_> {
    /// Joins the instances on the store: reads at once, and does what falls to it.
    pub(super) fn start_shared(
        &self,
        directory: Directory,
        handles: &Handles,
        http_stopped: &Shutdown,
        workers: &mut JoinSet<()>,
    ) -> anyhow::Result<Arc<Stage>> {
        let (directory, clock) = (Arc::new(directory), Arc::clone(&self.outside.clock));
        tracing::info!(
            instance = directory.me,
            url = directory.url,
            "sharing the task store with other instances"
        );
        let instance: Arc<dyn InstanceApi> = Arc::new(InstanceService::new(
            Arc::clone(self.store),
            Arc::clone(&clock),
            Arc::clone(&directory),
        ));
        let parts = Arc::new(OwnedParts::default());
        let (stage, canaries) = self.stage(Arc::clone(&instance), Arc::clone(&parts) as _, http_stopped);
        let span = Span::new(self.config.instance.lease());
        for (role, work) in self.roles(&stage, &canaries.executor(), &parts) {
            let campaign = Campaign {
                role,
                work,
                handles: Arc::clone(handles),
                clock: Arc::clone(&clock),
                directory: Arc::clone(&directory),
                metrics: Arc::clone(&self.outside.metrics),
                span,
            };
            workers.spawn(campaign_loop(campaign, self.stopped.clone()));
        }
        let own = Arc::clone(&stage);
        workers.spawn(hearsay_loop(
            Arc::clone(&self.outside.hearsay),
            instance,
            wiring::peers(self.config)?,
            Arc::new(move || own.cluster().replicas().complete),
            self.stopped.clone(),
        ));
        let metrics = Arc::clone(&self.outside.metrics);
        let presence = Presence { store: handles(), clock, directory, metrics, span };
        workers.spawn(presence_loop(presence, self.stopped.clone()));
        canaries.start_workers(self.config.canary.enabled, workers, self.stopped);
        Ok(stage)
    }

    /// Everything that one instance does for all, and what it consists of.
    fn roles(
        &self,
        stage: &Arc<Stage>,
        executor: &Arc<Executor>,
        parts: &Arc<OwnedParts>,
    ) -> Vec<(Role, Arc<dyn Work>)> {
        let writes = Writes::new(self.config, Arc::clone(self.outside), Arc::clone(stage));
        let mut roles: Vec<(Role, Arc<dyn Work>)> = vec![(Role::Writes, Arc::new(writes))];
        for sink in SinkDelivery::all(self.outside) {
            roles.push((sink.role(), Arc::new(sink)));
        }
        if self.config.canary.enabled {
            for part in Role::all_canaries() {
                let work = CanaryPart::new(part.clone(), Arc::clone(executor), Arc::clone(parts));
                roles.push((part, Arc::new(work)));
            }
        }
        roles
    }
}
