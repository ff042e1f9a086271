//! Table 4, `sessions`.

use async_trait::async_trait;
use miroir_domain::row::{check_expiry, check_positive};
use miroir_domain::session::Session;
use miroir_domain::{GroupId, TaskUid, Timestamp};
use miroir_ports::outbound::{SessionTable, StoreError};
use redis::cmd;

use crate::call::changing;
use crate::expiry::ttl_ms;
use crate::keys::{SESSIONS, Table};
use crate::row::{Columns, Reader};
use crate::store::RedisStore;
use crate::table::Row;

impl Row for Session {
    const TABLE: Table = SESSIONS;
    const FIELDS: &'static [&'static str] = &[
        "session_id",
        "last_write_mtask_id",
        "last_write_at",
        "pinned_group",
        "min_settings_version",
        "ttl",
    ];

    fn name(&self) -> String {
        self.session_id.clone()
    }

    fn columns(&self) -> Result<Columns, StoreError> {
        Ok(Columns::default()
            .with("session_id", &self.session_id)
            .maybe("last_write_mtask_id", self.last_write)
            .maybe_time("last_write_at", self.last_write_at)
            .maybe("pinned_group", self.pinned_group.map(|group| group.0))
            .maybe("min_settings_version", self.min_settings_version)
            .time("ttl", self.expires_at))
    }

    fn decode(reader: &Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            session_id: reader.text_always("session_id")?,
            last_write: reader.parsed("last_write_mtask_id")?.map(TaskUid),
            last_write_at: reader.time("last_write_at")?,
            pinned_group: reader.parsed("pinned_group")?.map(GroupId),
            min_settings_version: reader.parsed("min_settings_version")?,
            expires_at: reader.time_always("ttl")?,
        })
    }
}

#[async_trait]
impl SessionTable for RedisStore {
    async fn session_put(
        &self,
        session: &Session,
        max_sessions: u32,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        check_positive("the number of sessions", max_sessions.into())?;
        check_expiry("a session", session.expires_at, now)?;
        let id = &session.session_id;
        let mut script = changing!("lua/name.lua", "lua/session_put.lua");
        script
            .key(self.keys.row(SESSIONS, id))
            .key(self.keys.own(SESSIONS, "_lru"))
            .key(self.keys.base(SESSIONS))
            .arg(id)
            .arg(session.expires_at.as_millis())
            .arg(now.as_millis())
            .arg(max_sessions)
            .arg(ttl_ms(session.expires_at, now));
        session.columns()?.push_to(&mut script);
        self.change_by(SESSIONS, id, &mut script).await
    }

    async fn session_get(&self, session_id: &str, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let row: Option<Session> = self.row_get(session_id).await?;
        Ok(row.filter(|row| now < row.expires_at))
    }

    async fn session_touch(
        &self,
        session_id: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut script = changing!("lua/session_touch.lua");
        script
            .key(self.keys.row(SESSIONS, session_id))
            .key(self.keys.own(SESSIONS, "_lru"))
            .arg(session_id)
            .arg(expires_at.as_millis())
            .arg(now.as_millis())
            .arg(ttl_ms(expires_at, now));
        self.change_by(SESSIONS, session_id, &mut script).await
    }

    async fn session_delete(&self, session_id: &str) -> Result<bool, StoreError> {
        let mut script = changing!("lua/row_delete.lua");
        script.key(self.keys.row(SESSIONS, session_id)).key(self.keys.own(SESSIONS, "_lru")).arg(session_id);
        self.change_by(SESSIONS, session_id, &mut script).await
    }

    async fn session_count(&self, now: Timestamp) -> Result<u64, StoreError> {
        let lru = self.keys.own(SESSIONS, "_lru");
        let mut command = cmd("ZCOUNT");
        command.arg(&lru).arg(format!("({}", now.as_millis())).arg("+inf");
        self.read(SESSIONS.name, &lru, &command).await
    }

    async fn session_purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let lru = self.keys.own(SESSIONS, "_lru");
        let mut script = changing!("lua/name.lua", "lua/session_purge.lua");
        script.key(&lru).key(self.keys.base(SESSIONS)).arg(now.as_millis()).arg(limit);
        self.change_by(SESSIONS, &lru, &mut script).await
    }
}
