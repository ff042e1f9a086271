//! Revocations of admin sessions, sent to every instance as they happen.

use std::pin::Pin;

use async_trait::async_trait;
use futures_core::Stream;

use super::error::StoreError;

/// A message to a subscriber.
#[derive(Clone, PartialEq, Eq)]
pub enum Revocation {
    /// The session of this id was revoked.
    Session(String),
    /// Messages may have been missed, so everything that is cached of sessions must be dropped.
    Missed,
}

/// `Debug` shows no secret.
impl std::fmt::Debug for Revocation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Session(_) => "Session(..)",
            Self::Missed => "Missed",
        })
    }
}

/// A subscription. It ends when the store is closed.
pub type Revocations = Pin<Box<dyn Stream<Item = Revocation> + Send>>;

/// Notifies every instance of admin sessions that were revoked on any of them.
///
/// It only shortens the time until an instance notices: the row decides. An instance reads the row on each
/// request, or caches it for at most a second and drops it when it receives a revocation or
/// [`Revocation::Missed`].
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait RevocationFeed: Send + Sync + 'static {
    /// Subscribes to revocations.
    ///
    /// - **REVOKE-1** Each revocation that begins after this has returned MUST be received as
    ///   [`Revocation::Session`], or as [`Revocation::Missed`] if the connection was interrupted or the
    ///   subscriber was too slow.
    async fn revocations(&self) -> Result<Revocations, StoreError>;
}
