//! Other instances of Miroir.

use std::error::Error;

use async_trait::async_trait;
use miroir_domain::{IndexUid, NodeId};
use serde::{Deserialize, Serialize};

use crate::Source;

/// A replica that is known to be behind the others of its index.
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

/// A request to another instance that failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reason}")]
pub struct PeerError {
    reason: String,
    source: Option<Source>,
}

impl PeerError {
    /// Creates an error from a description for people.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), source: None }
    }

    /// Creates an error caused by another one.
    pub fn because(reason: impl Into<String>, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { reason: reason.into(), source: Some(Source::new(cause)) }
    }
}

/// Other instances, by the URL under which they are reached.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Peers: Send + Sync + 'static {
    /// Requests the stale replicas that the instance at `url` knows of.
    ///
    /// - **PEER-1** It MUST NOT take longer than a few seconds, whatever the instance does.
    async fn peer_replicas(&self, url: &str) -> Result<ReplicaReport, PeerError>;
}
