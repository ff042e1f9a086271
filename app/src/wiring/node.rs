//! The nodes of the cluster and their topology.

use std::sync::Arc;

use anyhow::Context as _;
use miroir_core::identity::{KnownIdentity, NodeChecker};
use miroir_core::node::{HealthTracker, NodePool, Timeouts};
use miroir_domain::NodeId;
use miroir_domain::identity::{AcceptedNode, AcceptedTopology};
use miroir_domain::topology::Topology;
use miroir_meilisearch::{ClientOptions, MasterKey, MeilisearchInspector, MeilisearchNodes, NodeEndpoint};
use miroir_ports::outbound::{Clock, ConnectionGuard};
use miroir_prometheus::Metrics;

use crate::config::{Config, NodeConfig};

/// The context of an error of a client of the nodes.
const UNUSABLE: &str = "cannot use the configured nodes";

/// Returns the checker of the configured nodes, all of them unknown at first. `metrics` counts its probes.
pub(super) fn checker(
    config: &Config,
    topology: &Topology,
    clock: &Arc<dyn Clock>,
    metrics: &Arc<Metrics>,
    identity: &Arc<KnownIdentity>,
) -> anyhow::Result<NodeChecker> {
    let ids: Vec<NodeId> = topology.nodes().cloned().collect();
    let health = HealthTracker::new(ids, config.health.thresholds(), Arc::clone(clock));
    let inspector =
        MeilisearchInspector::new(endpoints(config), &client_options(config)).context(UNUSABLE)?;
    let inspector = metrics.metered_inspector(Arc::new(inspector));
    let timeout = config.health.probe_timeout();
    Ok(NodeChecker::new(inspector, Arc::clone(identity), Arc::new(health), timeout))
}

/// Returns the pool of the configured nodes. `checker` admits its connections, and `metrics` counts its
/// calls.
pub(super) fn pool(
    config: &Config,
    checker: &Arc<NodeChecker>,
    metrics: &Arc<Metrics>,
) -> anyhow::Result<NodePool> {
    let urls = config.nodes.iter().map(|node| (node.id.clone(), node.url.as_str().to_owned())).collect();
    let timeouts = Timeouts {
        write: config.timeouts.write(),
        read: config.timeouts.read(),
        search: config.timeouts.search(),
    };
    let guard: Arc<dyn ConnectionGuard> = Arc::clone(checker) as _;
    let nodes =
        MeilisearchNodes::new(endpoints(config), &client_options(config), &guard).context(UNUSABLE)?;
    Ok(NodePool::new(metrics.metered_nodes(Arc::new(nodes)), Arc::clone(checker.health()), urls, timeouts))
}

fn endpoints(config: &Config) -> impl Iterator<Item = NodeEndpoint> {
    config.nodes.iter().map(|node| NodeEndpoint {
        id: node.id.clone(),
        url: node.url.as_str().to_owned(),
        master_key: config.node_master_key(node).map(|key| MasterKey::new(key.expose())),
    })
}

fn client_options(config: &Config) -> ClientOptions {
    ClientOptions { connect_timeout: config.timeouts.connect(), ..ClientOptions::default() }
}

/// Returns the configured topology in the form in which the store keeps it.
pub fn accepted_topology(config: &Config) -> AcceptedTopology {
    let node = |node: &NodeConfig| AcceptedNode {
        id: node.id.clone(),
        url: node.url.as_str().to_owned(),
        group: node.group,
    };
    AcceptedTopology::new(config.cluster.replication_factor, config.nodes.iter().map(node))
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
