//! Table 4, `sessions`.

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::row::{check_expiry, check_positive};
use miroir_domain::session::Session;
use miroir_ports::outbound::{SessionTable, StoreError};

use crate::store::MemoryStore;
use crate::versioned::purge;

#[async_trait]
impl SessionTable for MemoryStore {
    async fn session_put(
        &self,
        session: &Session,
        max_sessions: u32,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        check_positive("the number of sessions", max_sessions.into())?;
        check_expiry("a session", session.expires_at, now)?;
        let mut data = self.data()?;
        data.sessions.retain(|_, row| now < row.expires_at);
        data.sessions.insert(session.session_id.clone(), session.clone());
        let mut others: Vec<(Timestamp, String)> = data
            .sessions
            .values()
            .filter(|row| row.session_id != session.session_id)
            .map(|row| (row.expires_at, row.session_id.clone()))
            .collect();
        others.sort();
        let excess = data.sessions.len().saturating_sub(max_sessions as usize);
        for (_, id) in &others[..excess] {
            data.sessions.remove(id);
        }
        Ok(excess as u64)
    }

    async fn session_get(&self, session_id: &str, now: Timestamp) -> Result<Option<Session>, StoreError> {
        Ok(self.data()?.sessions.get(session_id).filter(|row| now < row.expires_at).cloned())
    }

    async fn session_touch(
        &self,
        session_id: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        match self.data()?.sessions.get_mut(session_id) {
            Some(row) if now < row.expires_at => {
                row.expires_at = row.expires_at.max(expires_at);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn session_delete(&self, session_id: &str) -> Result<bool, StoreError> {
        Ok(self.data()?.sessions.remove(session_id).is_some())
    }

    async fn session_count(&self, now: Timestamp) -> Result<u64, StoreError> {
        Ok(self.data()?.sessions.values().filter(|row| now < row.expires_at).count() as u64)
    }

    async fn session_purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        Ok(purge(&mut self.data()?.sessions, limit, |row| row.expires_at <= now))
    }
}
