//! Table 14, `admin_sessions`.

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::admin_session::AdminSession;
use miroir_ports::outbound::{AdminSessionTable, Create, RevocationFeed, Revocations, StoreError};
use rusqlite::named_params;

use crate::error::Failure;
use crate::row::{Column, Reader, Row, key_text};
use crate::statement::{changed, one};
use crate::store::SqliteStore;

// The columns of `admin_session_get.sql`.
const SESSION_ID: Column = Column(0, "session_id");
const CSRF_TOKEN: Column = Column(1, "csrf_token");
const ADMIN_KEY_HASH: Column = Column(2, "admin_key_hash");
const CREATED_AT: Column = Column(3, "created_at");
const EXPIRES_AT: Column = Column(4, "expires_at");
const REVOKED: Column = Column(5, "revoked");
const USER_AGENT: Column = Column(6, "user_agent");
const SOURCE_IP: Column = Column(7, "source_ip");

impl Row for AdminSession {
    const TABLE: &'static str = "admin_sessions";
    const KEY: &'static [Column] = &[SESSION_ID];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        Ok(Self {
            session_id: reader.get(SESSION_ID)?,
            csrf_token: reader.get(CSRF_TOKEN)?,
            admin_key_hash: reader.get(ADMIN_KEY_HASH)?,
            created_at: reader.time_always(CREATED_AT)?,
            expires_at: reader.time_always(EXPIRES_AT)?,
            revoked: reader.get(REVOKED)?,
            user_agent: reader.get(USER_AGENT)?,
            source_ip: reader.get(SOURCE_IP)?,
        })
    }

    /// Returns the first six characters: the id opens the admin page, so reports must not contain it.
    fn label(row: &rusqlite::Row<'_>) -> rusqlite::Result<String> {
        let id = key_text(row, Self::KEY)?;
        Ok(id.chars().take(6).chain("..".chars()).collect())
    }
}

#[async_trait]
impl AdminSessionTable for SqliteStore {
    async fn admin_session_create(
        &self,
        session: &AdminSession,
        now: Timestamp,
    ) -> Result<Create, StoreError> {
        session.check_new(now)?;
        let session = session.clone();
        self.write(move |connection| {
            let params = named_params! {
                ":session_id": session.session_id,
                ":csrf_token": session.csrf_token,
                ":admin_key_hash": session.admin_key_hash,
                ":created_at": session.created_at.as_millis(),
                ":expires_at": session.expires_at.as_millis(),
                ":user_agent": session.user_agent,
                ":source_ip": session.source_ip,
            };
            let created = changed(connection, include_str!("sql/admin_session_insert.sql"), params)?;
            Ok(if created { Create::Created } else { Create::Exists })
        })
        .await
    }

    async fn admin_session_get(
        &self,
        session_id: &str,
        now: Timestamp,
    ) -> Result<Option<AdminSession>, StoreError> {
        let key = session_id.to_owned();
        self.read(move |connection| {
            let found: Option<AdminSession> =
                one(connection, include_str!("sql/admin_session_get.sql"), [key.as_str()])?;
            Ok(found.filter(|session| session.is_valid(now)))
        })
        .await
    }

    async fn admin_session_revoke(&self, session_id: &str, now: Timestamp) -> Result<bool, StoreError> {
        let key = session_id.to_owned();
        let revoked = self
            .write(move |connection| {
                let revoke = include_str!("sql/admin_session_revoke.sql");
                changed(connection, revoke, (key.as_str(), now.as_millis()))
            })
            .await?;
        if revoked {
            self.revoked.notify(session_id);
        }
        Ok(revoked)
    }

    async fn admin_session_purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.row_purge(include_str!("sql/admin_session_purge.sql"), now, limit).await
    }
}

#[async_trait]
impl RevocationFeed for SqliteStore {
    async fn revocations(&self) -> Result<Revocations, StoreError> {
        Ok(self.revoked.subscribe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_match_the_statement() {
        let columns =
            [SESSION_ID, CSRF_TOKEN, ADMIN_KEY_HASH, CREATED_AT, EXPIRES_AT, REVOKED, USER_AGENT, SOURCE_IP];
        assert_columns(include_str!("sql/admin_session_get.sql"), &columns);
    }
}
