//! SQLite without Miroir: the same table and the same row, with a minimum of code.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use miroir_domain::TaskUid;
use miroir_ports::outbound::StoreStatus as _;
use rusqlite::{Connection, TransactionBehavior, params};
use tokio::time::Instant;

use super::target::open;
use crate::samples::rate;
use crate::shared::now;
use crate::shared::task::new_task;

/// Files with the schema of a store, one for each method of writing.
pub struct Files {
    pub pooled: PathBuf,
    pub looped: PathBuf,
}

impl Files {
    pub async fn make(folder: &Path) -> Result<Self> {
        let files = Self { pooled: folder.join("pooled.db"), looped: folder.join("looped.db") };
        for path in [&files.pooled, &files.looped] {
            // Opening a store creates its schema.
            open(path).await?.store_close().await?;
        }
        Ok(files)
    }

    /// Returns the rate of transactions that update one row, each on disk before the next.
    pub async fn updates(&self) -> Result<f64> {
        let path = self.looped.clone();
        let updating = tokio::task::spawn_blocking(move || {
            let mut connection = Connection::open(path)?;
            prepare(&connection)?;
            let begun = Instant::now();
            let mut count = 0;
            while begun.elapsed() < SPAN {
                let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                transaction
                    .prepare_cached("UPDATE task_sequence SET next_uid = next_uid + 1 WHERE only = 1")?
                    .execute([])?;
                transaction.commit()?;
                count += 1;
            }
            anyhow::Ok(rate(count, begun.elapsed()))
        });
        updating.await.context("the updates were cut short")?
    }
}

const SPAN: Duration = Duration::from_secs(1);

/// Configures a connection like those of the store.
pub fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(30))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 2_000)?;
    connection.set_prepared_statement_cache_capacity(16);
    Ok(())
}

/// An encoded row.
#[derive(Clone)]
pub struct EncodedRow {
    created_at: i64,
    node_tasks: String,
    details: String,
}

impl EncodedRow {
    /// Encodes the row of [`new_task`].
    pub fn of_new_task() -> Result<Self> {
        let task = new_task()?.into_task(TaskUid(0), now());
        Ok(Self {
            created_at: task.created_at.as_millis(),
            node_tasks: serde_json::to_string(&task.node_tasks)?,
            details: serde_json::to_string(&task.details)?,
        })
    }

    /// Writes the row under the next uid, inside a transaction of the caller.
    fn insert(&self, connection: &Connection) -> rusqlite::Result<()> {
        let uid: i64 = connection
            .prepare_cached(
                "UPDATE task_sequence SET next_uid = next_uid + 1 WHERE only = 1 RETURNING next_uid - 1",
            )?
            .query_row([], |row| row.get(0))?;
        connection
            .prepare_cached(
                "INSERT INTO tasks (miroir_id, created_at, status, node_tasks, node_errors, index_uid, task_type, details, version)
                 VALUES (?1, ?2, 'enqueued', ?3, '{}', 'movies', 'documentAdditionOrUpdate', ?4, 1)",
            )?
            .execute(params![uid, self.created_at, self.node_tasks, self.details])?;
        Ok(())
    }

    /// Writes the row `count` times in one transaction.
    pub fn commit(&self, connection: &mut Connection, count: usize) -> rusqlite::Result<()> {
        // A transaction that begins with a read fails, instead of waiting, if another one writes meanwhile.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for _ in 0..count {
            self.insert(&transaction)?;
        }
        transaction.commit()
    }
}
