//! The nodes of the cluster and their topology.

use anyhow::Context as _;
use miroir_domain::topology::Topology;
use miroir_meilisearch::{ClientOptions, MasterKey, MeilisearchNodes, NodeEndpoint};

use crate::config::Config;

/// Returns a client of the configured nodes.
pub(super) fn nodes(config: &Config) -> anyhow::Result<MeilisearchNodes> {
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
