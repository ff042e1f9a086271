//! The error of a repair.

use miroir_ports::outbound::{NodeError, StoreError};

/// The reason for which a replica cannot be repaired now. It stays stale, and repair tries again.
#[derive(Debug, thiserror::Error)]
pub(super) enum RepairError {
    /// A call to a node failed.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// A write to the repaired node may still arrive.
    #[error("the response to a copy was lost")]
    Lost(#[source] NodeError),
    /// A call to the store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another reason.
    #[error("{0}")]
    NotNow(String),
}
