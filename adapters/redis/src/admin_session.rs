//! Table 14, `admin_sessions`.

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::admin_session::AdminSession;
use miroir_ports::outbound::{AdminSessionTable, Create, StoreError};

use crate::call::changing;
use crate::expiry::ttl_ms;
use crate::keys::{ADMIN_SESSIONS, Table};
use crate::row::{Columns, Reader};
use crate::store::RedisStore;
use crate::table::Row;

impl Row for AdminSession {
    const TABLE: Table = ADMIN_SESSIONS;
    const FIELDS: &'static [&'static str] = &[
        "session_id",
        "csrf_token",
        "admin_key_hash",
        "created_at",
        "expires_at",
        "revoked",
        "user_agent",
        "source_ip",
    ];

    fn name(&self) -> String {
        self.session_id.clone()
    }

    fn columns(&self) -> Result<Columns, StoreError> {
        Ok(Columns::default()
            .with("session_id", &self.session_id)
            .with("csrf_token", &self.csrf_token)
            .bytes("admin_key_hash", &self.admin_key_hash)
            .time("created_at", self.created_at)
            .time("expires_at", self.expires_at)
            .with("revoked", self.revoked)
            .maybe("user_agent", self.user_agent.as_ref())
            .maybe("source_ip", self.source_ip.as_ref()))
    }

    fn decode(reader: &Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            session_id: reader.text_always("session_id")?,
            csrf_token: reader.text_always("csrf_token")?,
            admin_key_hash: reader.hash("admin_key_hash")?,
            created_at: reader.time_always("created_at")?,
            expires_at: reader.time_always("expires_at")?,
            revoked: reader.parsed_always("revoked")?,
            user_agent: reader.text("user_agent")?.map(str::to_owned),
            source_ip: reader.text("source_ip")?.map(str::to_owned),
        })
    }
}

#[async_trait]
impl AdminSessionTable for RedisStore {
    async fn admin_session_create(
        &self,
        session: &AdminSession,
        now: Timestamp,
    ) -> Result<Create, StoreError> {
        session.check_new(now)?;
        let mut script = changing!("lua/admin_session_create.lua");
        script.key(self.keys.row(ADMIN_SESSIONS, &session.session_id)).arg(ttl_ms(session.expires_at, now));
        session.columns()?.push_to(&mut script);
        // Errors must not contain the id, which is a secret.
        let created: bool = self.change_by(ADMIN_SESSIONS, "of a log-in", &mut script).await?;
        Ok(if created { Create::Created } else { Create::Exists })
    }

    async fn admin_session_get(
        &self,
        session_id: &str,
        now: Timestamp,
    ) -> Result<Option<AdminSession>, StoreError> {
        let row: Option<AdminSession> = self.row_get(session_id).await?;
        Ok(row.filter(|row| row.is_valid(now)))
    }

    async fn admin_session_revoke(&self, session_id: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut script = changing!("lua/admin_session_revoke.lua");
        script
            .key(self.keys.row(ADMIN_SESSIONS, session_id))
            .arg(now.as_millis())
            .arg(self.keys.revoked_channel())
            .arg(session_id);
        self.change_by(ADMIN_SESSIONS, "of a log-in", &mut script).await
    }

    /// Removes nothing: Redis removes expired rows by itself.
    async fn admin_session_purge(&self, _now: Timestamp, _limit: u32) -> Result<u64, StoreError> {
        self.check_open()?;
        Ok(0)
    }
}
