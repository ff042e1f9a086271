//! What nodes lack, as the instance that sends the writes tells it.
//!
//! It alone sees a node miss a write. The others ask it a few times a second, so that their reads avoid the node as well. What
//! was heard is kept while nobody sends writes, and by the next one who does until it has found out by itself.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use miroir_domain::role::Role;
use miroir_domain::{IndexUid, NodeId};
use miroir_ports::inbound::{InstanceApi, RoleHolder};
use miroir_ports::outbound::{Peers, ReplicaReport};

use crate::worker::{Shutdown, stopped};

/// How often it is asked.
const PAUSE: Duration = Duration::from_millis(250);

/// What was heard.
#[derive(Debug, Default)]
pub struct Hearsay(RwLock<BTreeSet<(IndexUid, NodeId)>>);

impl Hearsay {
    /// Whether `node` is said to lack something of `index`.
    pub fn says(&self, index: &IndexUid, node: &NodeId) -> bool {
        // The set is replaced as a whole, so a panic elsewhere cannot have left it half changed.
        let heard = self.0.read().unwrap_or_else(PoisonError::into_inner);
        !heard.is_empty() && heard.contains(&(index.clone(), node.clone()))
    }

    /// Takes in what is said: all there is when it is whole, and more otherwise.
    pub fn hear(&self, lacks: ReplicaReport) {
        let said = lacks.results.into_iter().map(|lacking| (lacking.index, lacking.node));
        let mut heard = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if lacks.complete {
            heard.clear();
        }
        heard.extend(said);
    }
}

/// Listens until `shutdown`. `knows` tells whether this instance has found out by itself, which counts while it sends the writes.
pub async fn hearsay_loop(
    hearsay: Arc<Hearsay>,
    instances: Arc<dyn InstanceApi>,
    peers: Arc<dyn Peers>,
    knows: Arc<dyn Fn() -> bool + Send + Sync>,
    mut shutdown: Shutdown,
) {
    let mut deaf = false;
    loop {
        let heard = match instances.role_holder(&Role::Writes) {
            // What it knows by itself it need not be told.
            RoleHolder::Local => Ok(ReplicaReport { complete: knows(), results: Vec::new() }),
            RoleHolder::Remote(peer) => peers.peer_replicas(&peer.url).await,
            RoleHolder::Vacant | RoleHolder::Unknown => Ok(ReplicaReport::default()),
        };
        match heard {
            Ok(lacks) => {
                deaf = false;
                hearsay.hear(lacks);
            }
            Err(error) => {
                if !std::mem::replace(&mut deaf, true) {
                    tracing::warn!(
                        "cannot hear which nodes lack something; reads may ask one that does: {}",
                        miroir_ports::error_chain(&error)
                    );
                }
            }
        }
        tokio::select! {
            () = stopped(&mut shutdown) => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use miroir_ports::outbound::StaleReplica;

    use super::*;

    #[test]
    fn what_is_whole_replaces_and_what_is_not_adds() {
        let hearsay = Hearsay::default();
        let lacks = |whole, nodes: &[&str]| {
            let lacking =
                |node: &&str| StaleReplica { index: "films".parse().unwrap(), node: node.parse().unwrap() };
            ReplicaReport { complete: whole, results: nodes.iter().map(lacking).collect() }
        };
        let said = |node: &str| hearsay.says(&"films".parse().unwrap(), &node.parse().unwrap());
        hearsay.hear(lacks(true, &["a"]));
        hearsay.hear(lacks(false, &["b"]));
        assert!(said("a") && said("b") && !said("c"));
        hearsay.hear(lacks(true, &["c"]));
        assert!(!said("a") && !said("b") && said("c"));
        hearsay.hear(lacks(true, &[]));
        assert!(!said("c"));
    }
}
