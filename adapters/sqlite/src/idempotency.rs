//! Table 5, `idempotency_cache`.

use async_trait::async_trait;
use miroir_domain::row::check_expiry;
use miroir_domain::{TaskUid, Timestamp};
use miroir_ports::outbound::{IdempotencyTable, Reservation, Reserve, StoreError};
use rusqlite::Connection;

use crate::error::Failure;
use crate::row::{Column, Reader, Row};
use crate::statement::{change, changed, one};
use crate::store::SqliteStore;

// The columns of `idempotency_get.sql`.
const KEY: Column = Column(0, "key");
const BODY_SHA256: Column = Column(1, "body_sha256");
const TASK: Column = Column(2, "miroir_task_id");
const OWNER: Column = Column(3, "owner");
const EXPIRES_AT: Column = Column(4, "expires_at");

/// A key in use.
struct Found {
    body_sha256: [u8; 32],
    task: Option<TaskUid>,
    owner: String,
    expires_at: Timestamp,
}

impl Row for Found {
    const TABLE: &'static str = "idempotency_cache";
    const KEY: &'static [Column] = &[KEY];

    fn decode(reader: &Reader<'_>) -> Result<Self, Failure> {
        Ok(Self {
            body_sha256: reader.get(BODY_SHA256)?,
            task: reader.get::<Option<u32>>(TASK)?.map(TaskUid),
            owner: reader.get(OWNER)?,
            expires_at: reader.time_always(EXPIRES_AT)?,
        })
    }
}

#[async_trait]
impl IdempotencyTable for SqliteStore {
    async fn idempotency_reserve(
        &self,
        reservation: &Reservation,
        now: Timestamp,
    ) -> Result<Reserve, StoreError> {
        check_expiry("a reservation", reservation.expires_at, now)?;
        let new = reservation.clone();
        self.write(move |connection| {
            if let Some(found) = get(connection, &new.key)?
                && now < found.expires_at
            {
                if found.body_sha256 != new.body_sha256 {
                    return Ok(Reserve::Mismatch);
                }
                let in_progress = Reserve::InProgress { expires_at: found.expires_at };
                return Ok(found.task.map_or(in_progress, Reserve::Completed));
            }
            let params = (new.key.as_str(), new.body_sha256, new.owner.as_str(), new.expires_at.as_millis());
            change(connection, include_str!("sql/idempotency_reserve.sql"), params)?;
            Ok(Reserve::Reserved)
        })
        .await
    }

    async fn idempotency_complete(
        &self,
        key: &str,
        owner: &str,
        task: TaskUid,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (key, owner) = (key.to_owned(), owner.to_owned());
        self.write(move |connection| {
            let found = get(connection, &key)?;
            let Some(found) = found.filter(|found| found.owner == owner && now < found.expires_at) else {
                return Ok(false);
            };
            if found.task.is_none() {
                let params = (key.as_str(), task.0, expires_at.as_millis());
                change(connection, include_str!("sql/idempotency_complete.sql"), params)?;
            }
            Ok(found.task.is_none_or(|known| known == task))
        })
        .await
    }

    async fn idempotency_release(&self, key: &str, owner: &str) -> Result<bool, StoreError> {
        let (key, owner) = (key.to_owned(), owner.to_owned());
        self.write(move |connection| {
            let release = include_str!("sql/idempotency_release.sql");
            changed(connection, release, (key.as_str(), owner.as_str()))
        })
        .await
    }

    async fn idempotency_purge(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.row_purge(include_str!("sql/idempotency_purge.sql"), now, limit).await
    }
}

fn get(connection: &Connection, key: &str) -> Result<Option<Found>, Failure> {
    one(connection, include_str!("sql/idempotency_get.sql"), [key])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::assert_columns;

    #[test]
    fn columns_match_the_statement() {
        let columns = [KEY, BODY_SHA256, TASK, OWNER, EXPIRES_AT];
        assert_columns(include_str!("sql/idempotency_get.sql"), &columns);
    }
}
