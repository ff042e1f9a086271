//! Table 14, `admin_sessions`.

use async_trait::async_trait;
use miroir_domain::Timestamp;
use miroir_domain::admin_session::AdminSession;
use miroir_ports::outbound::{AdminSessionTable, Create, RevocationFeed, Revocations, StoreError};

use crate::store::MemoryStore;
use crate::versioned::{create, purge};

#[async_trait]
impl AdminSessionTable for MemoryStore {
    async fn admin_session_create(
        &self,
        session: &AdminSession,
        now: Timestamp,
    ) -> Result<Create, StoreError> {
        session.check_new(now)?;
        Ok(create(&mut self.data()?.admin_sessions, session.session_id.clone(), session.clone()))
    }

    async fn admin_session_get(
        &self,
        session_id: &str,
        now: Timestamp,
    ) -> Result<Option<AdminSession>, StoreError> {
        Ok(self.data()?.admin_sessions.get(session_id).filter(|row| row.is_valid(now)).cloned())
    }

    async fn admin_session_revoke(&self, session_id: &str, now: Timestamp) -> Result<bool, StoreError> {
        match self.data()?.admin_sessions.get_mut(session_id) {
            Some(row) if row.is_valid(now) => {
                row.revoked = true;
                self.revoked.notify(session_id);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn admin_session_purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        Ok(purge(&mut self.data()?.admin_sessions, limit, |row| row.expires_at <= now))
    }
}

#[async_trait]
impl RevocationFeed for MemoryStore {
    async fn revocations(&self) -> Result<Revocations, StoreError> {
        // A closed store refuses.
        drop(self.data()?);
        Ok(self.revoked.subscribe())
    }
}
