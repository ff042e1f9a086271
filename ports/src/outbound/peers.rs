//! Other instances of Miroir.

use async_trait::async_trait;
use miroir_domain::{IndexUid, NodeId};
use serde::{Deserialize, Serialize};

/// A stale replica: the node is behind the others of the index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StaleReplica {
    /// The index.
    pub index: IndexUid,
    /// The node.
    pub node: NodeId,
}

/// The stale replicas, as the leader knows them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaReport {
    /// False while the leader is still finding writes that were missed before its term: there may be more.
    pub complete: bool,
    /// The stale replicas.
    pub results: Vec<StaleReplica>,
}

/// The reason why another instance gave no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PeerError(pub String);

/// Other instances, by the URL under which they are reached.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Peers: Send + Sync + 'static {
    /// Requests the stale replicas that the instance at `url` knows of.
    ///
    /// - **PEER-1** It MUST NOT take longer than a few seconds, whatever the instance does.
    async fn peer_replicas(&self, url: &str) -> Result<ReplicaReport, PeerError>;
}
