//! A store with many tasks, written without Miroir to take seconds.

use std::path::Path;

use anyhow::{Context, Result};
use miroir_ports::outbound::StoreStatus as _;
use rusqlite::{Connection, params};

use super::target::open;
use crate::shared::filled::{CANCELED_EVERY, FIRST_MS, PACE_MS};

/// Creates a file with `tasks` tasks over 20 indexes, of every status and three types.
pub async fn fill(path: &Path, tasks: u32) -> Result<()> {
    open(path).await?.store_close().await?;
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || fill_blocking(&path, tasks))
        .await
        .context("filling the store was cut short")?
}

fn fill_blocking(path: &Path, tasks: u32) -> Result<()> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    // Building indexes and counts once at the end is faster, so their definitions are dropped and restored.
    let parts: Vec<(String, String, String)> = connection
        .prepare("SELECT type, name, sql FROM sqlite_master WHERE tbl_name = 'tasks' AND type IN ('index', 'trigger') AND sql IS NOT NULL")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    let transaction = connection.transaction()?;
    for (kind, name, _) in &parts {
        transaction.execute_batch(&format!("DROP {kind} {name}"))?;
    }
    {
        let mut insert = transaction.prepare(include_str!("fill.sql"))?;
        insert.execute(params![tasks, FIRST_MS, PACE_MS, CANCELED_EVERY])?;
    }
    transaction.execute_batch(
        "INSERT INTO task_counts SELECT '*', status, task_type, count(*) FROM tasks GROUP BY 2, 3;
         INSERT INTO task_counts SELECT index_uid, status, task_type, count(*) FROM tasks GROUP BY 1, 2, 3;",
    )?;
    transaction.execute("UPDATE task_sequence SET next_uid = ?1", [tasks])?;
    for (_, _, sql) in &parts {
        transaction.execute_batch(sql)?;
    }
    transaction.commit()?;
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(())
}
