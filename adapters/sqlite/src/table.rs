//! Operations that tables have in common, written once for every type of row.

use miroir_domain::Timestamp;
use miroir_domain::row::next_version;
use miroir_ports::outbound::{Create, Put, StoreError};
use rusqlite::types::Null;
use rusqlite::{Connection, ToSql};

use crate::error::Failure;
use crate::row::Row;
use crate::statement::{all, change, changed, one};
use crate::store::SqliteStore;

/// A row that one column identifies.
pub(crate) trait Keyed: Row + Send + 'static {
    /// Selects the row whose key is `?1`.
    const GET: &'static str;
    /// Selects up to `?3` rows in the order of their keys, from the key `?1` on and without the key `?2`.
    const LIST: &'static str;
    /// Deletes the row whose key is `?1`.
    const DELETE: &'static str;
}

/// A row that counts its changes, each made on the condition that the stored row has the same version.
pub(crate) trait Versioned: Keyed + Clone + Sync {
    /// Inserts a row unless its key is taken.
    const INSERT: &'static str;
    /// Replaces the row of the same key.
    const UPDATE: &'static str;

    /// Returns the key.
    fn key(&self) -> &str;

    /// Returns the version.
    fn version(&self) -> u64;

    /// Runs `sql`, which is [`Self::INSERT`] or [`Self::UPDATE`], with the columns of the row and with
    /// `version`. Returns whether a row was written.
    fn write(&self, connection: &Connection, version: u64, sql: &str) -> Result<bool, Failure>;

    /// Returns the version of the stored row of the same key, if there is one.
    fn stored_version(&self, connection: &Connection) -> Result<Option<u64>, Failure> {
        let stored: Option<Self> = one(connection, Self::GET, [self.key()])?;
        Ok(stored.map(|row| row.version()))
    }
}

impl SqliteStore {
    /// Stores a row unless its key is taken.
    pub(crate) async fn row_create<R: Versioned>(&self, row: &R) -> Result<Create, StoreError> {
        let row = row.clone();
        self.write(move |connection| {
            let created = row.write(connection, row.version(), R::INSERT)?;
            Ok(if created { Create::Created } else { Create::Exists })
        })
        .await
    }

    /// Returns the row of `key`, if there is one.
    pub(crate) async fn row_get<R: Keyed>(
        &self,
        key: impl ToSql + Send + 'static,
    ) -> Result<Option<R>, StoreError> {
        self.read(move |connection| one(connection, R::GET, [&key])).await
    }

    /// Replaces the stored rows of `rows`, all or none, if each has the same version as its replacement.
    pub(crate) async fn row_put<R: Versioned, const N: usize>(
        &self,
        rows: [&R; N],
    ) -> Result<Put, StoreError> {
        let rows = rows.map(R::clone);
        self.write(move |connection| {
            // All are compared before any is written: a conflict is not an error, so nothing would be rolled
            // back.
            for row in &rows {
                if row.stored_version(connection)? != Some(row.version()) {
                    return Ok(Put::Conflict);
                }
            }
            for row in &rows {
                row.write(connection, next_version(row.version())?, R::UPDATE)?;
            }
            Ok(Put::Stored)
        })
        .await
    }

    /// Removes the row of `key`. Returns false if there is none.
    pub(crate) async fn row_delete<R: Keyed>(
        &self,
        key: impl ToSql + Send + 'static,
    ) -> Result<bool, StoreError> {
        self.write(move |connection| changed(connection, R::DELETE, [&key])).await
    }

    /// Returns up to `limit` rows after the key `after`, in the order of their keys.
    pub(crate) async fn row_list<R: Keyed>(
        &self,
        after: Option<impl ToSql + Send + 'static>,
        limit: u32,
    ) -> Result<Vec<R>, StoreError> {
        self.read(move |connection| match &after {
            Some(after) => all(connection, R::LIST, (after, after, limit)),
            // SQLite orders the empty text before every other text, and texts before blobs.
            None => all(connection, R::LIST, ("", Null, limit)),
        })
        .await
    }

    /// Removes expired rows by a statement that takes `now` and `limit`. Returns their number.
    pub(crate) async fn row_purge(
        &self,
        sql: &'static str,
        now: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        self.write(move |connection| change(connection, sql, (now.as_millis(), limit))).await
    }
}
