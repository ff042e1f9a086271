//! Table 14, `admin_sessions`.

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::admin_session::AdminSession;

use super::conditional::Create;
use super::error::StoreError;

/// Sessions of the admin page.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait AdminSessionTable: Send + Sync + 'static {
    /// Stores a new session.
    ///
    /// - **ADMIN-1** If the id is taken, also by a session that ended, it MUST return [`Create::Exists`] and
    ///   change nothing. A session that is revoked or has expired at `now` is `InvalidInput`.
    async fn admin_session_create(
        &self,
        session: &AdminSession,
        now: Timestamp,
    ) -> Result<Create, StoreError>;

    /// Returns the session, if there is one.
    ///
    /// - **ADMIN-2** A session that is revoked, or whose `expires_at <= now`, MUST never be returned.
    async fn admin_session_get(
        &self,
        session_id: &str,
        now: Timestamp,
    ) -> Result<Option<AdminSession>, StoreError>;

    /// Revokes a session before it expires. Returns false if there was no session that was valid at `now`.
    ///
    /// - **ADMIN-3** Once the revocation is acknowledged, the session MUST NOT be returned any more, by any
    ///   instance.
    async fn admin_session_revoke(&self, session_id: &str, now: Timestamp) -> Result<bool, StoreError>;

    /// Removes up to `limit` rows that have expired at `now` and returns their number.
    ///
    /// - **ADMIN-4** Rows that have not expired MUST stay, revoked ones too.
    async fn admin_session_purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
