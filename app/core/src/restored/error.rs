//! The error of an examination.

use miroir_ports::outbound::{NodeError, StoreError};

/// The reason for which a store could not be examined, or a new epoch could not begin.
#[derive(Debug, thiserror::Error)]
pub enum ExamineError {
    /// A node failed.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another instance changed the identity of the cluster.
    #[error("the identity of the cluster was changed at the same moment")]
    Conflict,
}
