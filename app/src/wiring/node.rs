//! The nodes of the cluster and their topology.

use std::sync::Arc;

use anyhow::Context as _;
use miroir_core::node::{HealthTracker, NodePool, Timeouts};
use miroir_domain::NodeId;
use miroir_domain::topology::Topology;
use miroir_meilisearch::{ClientOptions, MasterKey, MeilisearchNodes, NodeEndpoint};
use miroir_ports::outbound::Clock;
use miroir_prometheus::Metrics;

use crate::config::Config;

/// Returns the pool of the configured nodes, all of them unknown at first. `metrics` counts its calls.
pub(super) fn pool(
    config: &Config,
    topology: &Topology,
    clock: &Arc<dyn Clock>,
    metrics: &Arc<Metrics>,
) -> anyhow::Result<NodePool> {
    let ids: Vec<NodeId> = topology.nodes().cloned().collect();
    let health = HealthTracker::new(ids, config.health.thresholds(), Arc::clone(clock));
    let urls = config.nodes.iter().map(|node| (node.id.clone(), node.url.as_str().to_owned())).collect();
    let timeouts = Timeouts {
        write: config.timeouts.write(),
        read: config.timeouts.read(),
        search: config.timeouts.search(),
    };
    let client = metrics.metered_nodes(Arc::new(nodes(config)?));
    Ok(NodePool::new(client, Arc::new(health), urls, timeouts))
}

/// Returns a client of the configured nodes.
fn nodes(config: &Config) -> anyhow::Result<MeilisearchNodes> {
    let endpoints = config.nodes.iter().map(|node| NodeEndpoint {
        id: node.id.clone(),
        url: node.url.as_str().to_owned(),
        master_key: config.node_master_key(node).map(|key| MasterKey::new(key.expose())),
    });
    let client = ClientOptions { connect_timeout: config.timeouts.connect(), ..ClientOptions::default() };
    MeilisearchNodes::new(endpoints, &client).context("cannot use the configured nodes")
}

/// Returns the configured topology. Miroir starts without nodes too, so that health, tasks and configuration
/// can be inspected; it then serves no index and logs why.
pub(super) fn topology(config: &Config) -> anyhow::Result<Topology> {
    if config.nodes.is_empty() {
        tracing::warn!(
            "no nodes are configured: list your Meilisearch servers under `nodes`. Until then, all writes and searches return 503"
        );
        return Ok(Topology::without_nodes(config.cluster.replication_factor, config.cluster.write_quorum));
    }
    config.topology().context("the configured cluster is invalid")
}
