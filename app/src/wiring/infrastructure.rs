//! The clients, clock and counters of an instance.

use std::sync::Arc;

use miroir_core::cluster::{RepairOptions, SearchPolicy};
use miroir_core::identity::KnownIdentity;
use miroir_core::infrastructure::Infrastructure;
use miroir_core::registry::LastKnown;
use miroir_core::replica::{ReportedStates, TopologyUse};
use miroir_ports::outbound::Clock;
use miroir_prometheus::Metrics;
use miroir_system::{KeySealer, SystemClock, UuidIds};

use super::{node, sink};
use crate::config::{self, Config};

/// Makes the clients of nodes and sinks without connecting to them. `metrics` counts their calls.
pub fn infrastructure(config: &Config, metrics: &Arc<Metrics>) -> anyhow::Result<Infrastructure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let topology = node::topology(config)?;
    for sink in &config.cdc.sinks {
        metrics.register_sink(&sink.name);
    }
    let search_policy = match config.cluster.search_policy {
        config::SearchPolicy::Partial => SearchPolicy::Partial,
        config::SearchPolicy::Error => SearchPolicy::Error,
    };
    let identity: Arc<KnownIdentity> = Arc::default();
    let last_known = LastKnown::new(config.store.max_staleness(), Arc::clone(&identity));
    let checker = Arc::new(node::checker(config, &topology, &clock, metrics, &identity)?);
    let topology_use = TopologyUse::new(node::accepted_topology(config), config.store.max_staleness());
    Ok(Infrastructure {
        nodes: node::pool(config, &checker, metrics)?,
        accepted: node::accepted_topology(config),
        checker,
        topology: Arc::new(topology),
        shard_count: config.cluster.shard_count,
        search_policy,
        sealer: Arc::new(KeySealer::new(config.store.sealing_keys.iter().map(config::Secret::expose))),
        changes: Arc::new(sink::recorder(&config.cdc, &clock, &(Arc::clone(metrics) as _), &identity)?),
        identity,
        clock,
        ids: Arc::new(UuidIds::default()),
        last_known: Arc::new(last_known),
        reported: Arc::new(ReportedStates::new(topology_use)),
        observer: Arc::clone(metrics) as _,
        repair: RepairOptions {
            concurrency: config.repair.concurrency,
            max_documents_per_second: config.repair.max_documents_per_second,
        },
    })
}
