//! Table 4, `sessions`.

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::session::Session;

use super::error::StoreError;

/// Read-your-writes sessions.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait SessionTable: Send + Sync + 'static {
    /// Stores or replaces a session, makes room, and answers how many others had to go for it.
    ///
    /// - **SESSION-1** The row MUST equal `session`. One that has expired at `now` is `InvalidInput`.
    /// - **SESSION-2** After it at most `max_sessions` MUST be left that have not expired at `now`, this one among
    ///   them. Those that expire first go first, and of one instant those of the lowest id in byte order: every use puts
    ///   a session's expiry off by the same span, so they are the least recently used. A `max_sessions` of 0 is
    ///   `InvalidInput`. Rows that have expired may go as well and are not counted.
    async fn session_put(
        &self,
        session: &Session,
        max_sessions: u32,
        now: Timestamp,
    ) -> Result<u64, StoreError>;

    /// The session, or none.
    ///
    /// - **SESSION-3** A row with `expires_at <= now` MUST never be answered.
    async fn session_get(&self, session_id: &str, now: Timestamp) -> Result<Option<Session>, StoreError>;

    /// Puts the expiry of a session off; false when there is none at `now`.
    ///
    /// - **SESSION-4** An `expires_at` earlier than the row's MUST change nothing, and the answer is still true.
    async fn session_touch(
        &self,
        session_id: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Removes a session; false when there was no row, expired or not.
    async fn session_delete(&self, session_id: &str) -> Result<bool, StoreError>;

    /// How many sessions there are at `now`.
    async fn session_count(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// Removes up to `limit` rows that have expired at `now`; answers how many.
    ///
    /// - **SESSION-5** Rows that have not expired MUST stay.
    async fn session_purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
