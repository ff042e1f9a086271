//! Table 5, `idempotency_cache`.

use async_trait::async_trait;
use miroir_domain::row::check_expiry;
use miroir_domain::{TaskUid, Timestamp};
use miroir_ports::outbound::{IdempotencyTable, Reservation, Reserve, StoreError};

use crate::call::changing;
use crate::expiry::ttl_ms;
use crate::keys::IDEMPOTENCY;
use crate::store::RedisStore;

#[async_trait]
impl IdempotencyTable for RedisStore {
    async fn idempotency_reserve(
        &self,
        reservation: &Reservation,
        now: Timestamp,
    ) -> Result<Reserve, StoreError> {
        check_expiry("a reservation", reservation.expires_at, now)?;
        let key = &reservation.key;
        let mut script = changing!("lua/idempotency_reserve.lua");
        script
            .key(self.keys.row(IDEMPOTENCY, key))
            .arg(now.as_millis())
            .arg(&reservation.body_sha256)
            .arg(&reservation.owner)
            .arg(reservation.expires_at.as_millis())
            .arg(ttl_ms(reservation.expires_at, now));
        let (word, value): (String, i64) = self.change_by(IDEMPOTENCY, key, &mut script).await?;
        match word.as_str() {
            "reserved" => Ok(Reserve::Reserved),
            "mismatch" => Ok(Reserve::Mismatch),
            "in progress" => Ok(Reserve::InProgress { expires_at: Timestamp::from_millis(value) }),
            "completed" => {
                let uid = u32::try_from(value).map_err(|error| {
                    StoreError::corrupt(IDEMPOTENCY.name, key, "`miroir_task_id` is not a uid")
                        .with_source(error)
                })?;
                Ok(Reserve::Completed(TaskUid(uid)))
            }
            _ => Err(StoreError::corrupt(IDEMPOTENCY.name, key, "the response cannot be decoded")),
        }
    }

    async fn idempotency_complete(
        &self,
        key: &str,
        owner: &str,
        task: TaskUid,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut script = changing!("lua/idempotency_complete.lua");
        script
            .key(self.keys.row(IDEMPOTENCY, key))
            .arg(owner)
            .arg(task.0)
            .arg(expires_at.as_millis())
            .arg(now.as_millis())
            .arg(ttl_ms(expires_at, now));
        self.change_by(IDEMPOTENCY, key, &mut script).await
    }

    async fn idempotency_release(&self, key: &str, owner: &str) -> Result<bool, StoreError> {
        let mut script = changing!("lua/idempotency_release.lua");
        script.key(self.keys.row(IDEMPOTENCY, key)).arg(owner);
        self.change_by(IDEMPOTENCY, key, &mut script).await
    }

    /// Removes nothing: Redis removes expired rows by itself.
    async fn idempotency_purge(&self, _now: Timestamp, _limit: u32) -> Result<u64, StoreError> {
        self.check_open()?;
        Ok(0)
    }
}
