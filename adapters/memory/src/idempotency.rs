//! Table 5, `idempotency_cache`.

use async_trait::async_trait;
use miroir_domain::row::check_expiry;
use miroir_domain::{TaskUid, Timestamp};
use miroir_ports::outbound::{IdempotencyTable, Reservation, Reserve, StoreError};

use crate::row::IdempotencyRow;
use crate::store::MemoryStore;
use crate::versioned::purge;

#[async_trait]
impl IdempotencyTable for MemoryStore {
    async fn idempotency_reserve(
        &self,
        reservation: &Reservation,
        now: Timestamp,
    ) -> Result<Reserve, StoreError> {
        check_expiry("a reservation", reservation.expires_at, now)?;
        let mut data = self.data()?;
        if let Some(row) = data.idempotency.get(&reservation.key)
            && now < row.reservation.expires_at
        {
            if row.reservation.body_sha256 != reservation.body_sha256 {
                return Ok(Reserve::Mismatch);
            }
            let expires_at = row.reservation.expires_at;
            return Ok(row.task.map_or(Reserve::InProgress { expires_at }, Reserve::Completed));
        }
        let row = IdempotencyRow { reservation: reservation.clone(), task: None };
        data.idempotency.insert(reservation.key.clone(), row);
        Ok(Reserve::Reserved)
    }

    async fn idempotency_complete(
        &self,
        key: &str,
        owner: &str,
        task: TaskUid,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        match self.data()?.idempotency.get_mut(key) {
            Some(row) if row.reservation.owner == owner && now < row.reservation.expires_at => {
                if row.task.is_none() {
                    row.task = Some(task);
                    row.reservation.expires_at = expires_at;
                }
                Ok(row.task == Some(task))
            }
            _ => Ok(false),
        }
    }

    async fn idempotency_release(&self, key: &str, owner: &str) -> Result<bool, StoreError> {
        let mut data = self.data()?;
        let reserved =
            data.idempotency.get(key).is_some_and(|row| row.reservation.owner == owner && row.task.is_none());
        if reserved {
            data.idempotency.remove(key);
        }
        Ok(reserved)
    }

    async fn idempotency_purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        Ok(purge(&mut self.data()?.idempotency, limit, |row| row.reservation.expires_at <= now))
    }
}
