//! Table 14, `admin_sessions`.

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::admin_session::AdminSession;

use super::error::StoreError;
use super::write::Create;

/// Sessions of the admin page.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait AdminSessionTable: Send + Sync + 'static {
    /// Stores a new session.
    ///
    /// - **ADMIN-1** When the id is taken, also by a session that ended, it MUST answer [`Create::Exists`] and change
    ///   nothing. A session that is revoked or has expired at `now` is `InvalidInput`.
    async fn admin_session_create(
        &self,
        session: &AdminSession,
        now: Timestamp,
    ) -> Result<Create, StoreError>;

    /// The session, or none.
    ///
    /// - **ADMIN-2** A session that is revoked, or whose `expires_at <= now`, MUST never be answered.
    async fn admin_session_get(
        &self,
        session_id: &str,
        now: Timestamp,
    ) -> Result<Option<AdminSession>, StoreError>;

    /// Ends a session before its time; false when there was none that could be used at `now`.
    ///
    /// - **ADMIN-3** From its acknowledgement on the session MUST NOT be answered any more, anywhere.
    async fn admin_session_revoke(&self, session_id: &str, now: Timestamp) -> Result<bool, StoreError>;

    /// Removes up to `limit` rows that have expired at `now`; answers how many.
    ///
    /// - **ADMIN-4** Rows that have not expired MUST stay, revoked ones too.
    async fn admin_session_purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
