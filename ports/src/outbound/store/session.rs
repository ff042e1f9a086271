//! Table 4, `sessions`.

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::session::Session;

use super::error::StoreError;

/// Read-your-writes sessions.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait SessionTable: Send + Sync + 'static {
    /// Stores or replaces a session, evicts others if there are too many, and returns the number of those
    /// that were evicted.
    ///
    /// - **SESSION-1** The row MUST equal `session`. A session that has expired at `now` is `InvalidInput`.
    /// - **SESSION-2** After it at most `max_sessions` that have not expired at `now` MUST remain, this one
    ///   among them. Those that expire first are evicted first, and of one instant those of the lowest id in
    ///   byte order: every use extends a session by the same span, so they are the least recently used. A
    ///   `max_sessions` of 0 is `InvalidInput`. Expired rows may be removed as well and are not counted.
    async fn session_put(
        &self,
        session: &Session,
        max_sessions: u32,
        now: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Returns the session, if there is one.
    ///
    /// - **SESSION-3** A row with `expires_at <= now` MUST never be returned.
    async fn session_get(&self, session_id: &str, now: Timestamp) -> Result<Option<Session>, StoreError>;

    /// Extends a session. Returns false if there is none at `now`.
    ///
    /// - **SESSION-4** If `expires_at` is earlier than the row's, it MUST change nothing and still return
    ///   true.
    async fn session_touch(
        &self,
        session_id: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Removes a session. Returns false if there was no row, expired or not.
    async fn session_delete(&self, session_id: &str) -> Result<bool, StoreError>;

    /// Returns the number of sessions at `now`.
    async fn session_count(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// Removes up to `limit` rows that have expired at `now` and returns their number.
    ///
    /// - **SESSION-5** Rows that have not expired MUST stay.
    async fn session_purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
