//! Revocations of admin sessions, told as they happen.

use async_trait::async_trait;

use super::StoreError;

/// What a subscriber hears.
#[derive(Clone, PartialEq, Eq)]
pub enum Revocation {
    /// The session of this id was revoked.
    Session(String),
    /// Messages may have been missed: whatever was remembered of sessions is to be forgotten.
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

/// A subscription.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Revocations: Send {
    /// The next message; none once the store is closed. May be dropped and called again: no message is lost by it.
    async fn next(&mut self) -> Option<Revocation>;
}

/// Tells every instance of admin sessions that were revoked on any of them.
///
/// It only shortens the time until an instance notices. What counts is the row: an instance looks at it on each request, or
/// remembers it for a second at most, and forgets it when it hears of a revocation or of messages missed.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait RevocationFeed: Send + Sync + 'static {
    /// Begins to listen.
    ///
    /// - **REVOKE-1** Each revocation that begins after this was answered MUST be heard as [`Revocation::Session`], or as
    ///   [`Revocation::Missed`] where the connection was interrupted or the listener was too slow.
    async fn revocations(&self) -> Result<Box<dyn Revocations>, StoreError>;
}
