//! Table 4, `sessions`.

use async_trait::async_trait;
use miroir_domain::row::{check_expiry, check_positive};
use miroir_domain::session::Session;
use miroir_domain::{GroupId, TaskUid, Timestamp};
use miroir_ports::outbound::{SessionTable, StoreError};
use rusqlite::named_params;

use crate::error::Failure;
use crate::row::{Column, Reader, Row};
use crate::statement::{change, changed, count, one, value};
use crate::store::SqliteStore;

// The columns of `session_get.sql`.
const SESSION_ID: Column = Column(0, "session_id");
const LAST_WRITE: Column = Column(1, "last_write_mtask_id");
const LAST_WRITE_AT: Column = Column(2, "last_write_at");
const PINNED_GROUP: Column = Column(3, "pinned_group");
const MIN_SETTINGS_VERSION: Column = Column(4, "min_settings_version");
const TTL: Column = Column(5, "ttl");

impl Row for Session {
    const TABLE: &'static str = "sessions";
    const KEY: &'static [Column] = &[SESSION_ID];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        Ok(Self {
            session_id: reader.get(SESSION_ID)?,
            last_write: reader.get::<Option<u32>>(LAST_WRITE)?.map(TaskUid),
            last_write_at: reader.time(LAST_WRITE_AT)?,
            pinned_group: reader.get::<Option<u32>>(PINNED_GROUP)?.map(GroupId),
            min_settings_version: reader.get::<Option<i64>>(MIN_SETTINGS_VERSION)?.map(i64::cast_unsigned),
            expires_at: reader.time_always(TTL)?,
        })
    }
}

#[async_trait]
impl SessionTable for SqliteStore {
    async fn session_put(
        &self,
        session: &Session,
        max_sessions: u32,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        check_positive("the number of sessions", max_sessions.into())?;
        check_expiry("a session", session.expires_at, now)?;
        let session = session.clone();
        self.write(move |connection| {
            change(connection, include_str!("sql/session_expire.sql"), [now.as_millis()])?;
            let params = named_params! {
                ":session_id": session.session_id,
                ":last_write": session.last_write.map(|task| task.0),
                ":last_write_at": session.last_write_at.map(Timestamp::as_millis),
                ":pinned_group": session.pinned_group.map(|group| group.0),
                ":min_settings_version": session.min_settings_version.map(u64::cast_signed),
                ":ttl": session.expires_at.as_millis(),
            };
            change(connection, include_str!("sql/session_upsert.sql"), params)?;
            let evict = include_str!("sql/session_evict.sql");
            change(connection, evict, (session.session_id.as_str(), max_sessions))
        })
        .await
    }

    async fn session_get(&self, session_id: &str, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let key = session_id.to_owned();
        self.read(move |connection| {
            one(connection, include_str!("sql/session_get.sql"), (key, now.as_millis()))
        })
        .await
    }

    async fn session_touch(
        &self,
        session_id: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let key = session_id.to_owned();
        self.write(move |connection| {
            let params = (key.as_str(), expires_at.as_millis(), now.as_millis());
            changed(connection, include_str!("sql/session_touch.sql"), params)
        })
        .await
    }

    async fn session_delete(&self, session_id: &str) -> Result<bool, StoreError> {
        let key = session_id.to_owned();
        self.write(move |connection| {
            changed(connection, include_str!("sql/session_delete.sql"), [key.as_str()])
        })
        .await
    }

    async fn session_count(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.read(move |connection| {
            let found = value(connection, include_str!("sql/session_count.sql"), [now.as_millis()], |row| {
                count(row, 0)
            })?;
            Ok(found.unwrap_or_default())
        })
        .await
    }

    async fn session_purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.row_purge(include_str!("sql/session_purge.sql"), now, limit).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_match_the_statement() {
        let columns = [SESSION_ID, LAST_WRITE, LAST_WRITE_AT, PINNED_GROUP, MIN_SETTINGS_VERSION, TTL];
        assert_columns(include_str!("sql/session_get.sql"), &columns);
    }
}
