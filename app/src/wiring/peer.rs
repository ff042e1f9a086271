//! The other instances.

use std::sync::Arc;

use anyhow::Context as _;
use miroir_peer::HttpPeers;
use miroir_ports::outbound::Peers;

use crate::config::{Config, Secret};

/// Returns a client of the other instances.
pub fn peers(config: &Config) -> anyhow::Result<Arc<dyn Peers>> {
    let peers = HttpPeers::new(config.auth.admin_key.as_ref().map(Secret::expose));
    Ok(Arc::new(peers.context("cannot make a client of the other instances")?))
}
