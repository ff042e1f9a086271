//! Other instances of Miroir.

use async_trait::async_trait;
use miroir_domain::{IndexUid, NodeId};
use serde::{Deserialize, Serialize};

/// A node that lacks something of an index that others have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lacking {
    /// The index.
    pub index: IndexUid,
    /// The node.
    pub node: NodeId,
}

/// Which nodes lack what, as the instance that sends the writes knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lacks {
    /// False while the instance still finds out what was missed before its time: there may be more.
    pub whole: bool,
    /// The nodes, by index.
    pub results: Vec<Lacking>,
}

/// Why another instance could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PeerError(pub String);

/// Other instances, by the URL under which they are reached.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Peers: Send + Sync + 'static {
    /// Which nodes lack what, as the instance at `url` knows.
    ///
    /// - **PEER-1** It MUST NOT take longer than a few seconds, whatever the instance does.
    async fn peer_lacks(&self, url: &str) -> Result<Lacks, PeerError>;
}
