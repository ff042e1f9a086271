//! Counts of rows, pages and bytes.

use miroir_ports::outbound::StoreError;
use rusqlite::Connection;

use crate::error::Failure;
use crate::file::SqliteFile;
use crate::migration;
use crate::open::wal_bytes;

/// Numbers of a store's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteStatistics {
    /// The version of the schema.
    pub schema_version: u32,
    /// The size, once the log has been copied into the file.
    pub file_bytes: u64,
    /// The size of the write-ahead log.
    pub wal_bytes: u64,
    /// The number of pages, all of the same size.
    pub pages: u64,
    /// The number of pages that are free for new rows.
    pub free_pages: u64,
    /// The bytes of these free pages.
    pub free_bytes: u64,
    /// The number of tasks that have not ended, which the poller reads.
    pub unfinished_tasks: u64,
    /// The number of rows of each table, by its name.
    pub rows: Vec<(String, u64)>,
}

impl SqliteFile {
    /// Counts everything at one moment. Reads at least one index of every table.
    pub fn statistics(&self) -> Result<SqliteStatistics, StoreError> {
        self.count().map_err(|failure| self.failed(failure))
    }

    fn count(&self) -> Result<SqliteStatistics, Failure> {
        let snapshot = self.connection.unchecked_transaction()?;
        let mut rows = Vec::new();
        for table in tables(&snapshot)? {
            let quoted = table.replace('"', "\"\"");
            let count: i64 =
                snapshot.query_row(&format!("SELECT count(*) FROM \"{quoted}\""), [], |row| row.get(0))?;
            rows.push((table, count.cast_unsigned()));
        }
        let page_bytes = pragma(&snapshot, "page_size")?;
        let pages = pragma(&snapshot, "page_count")?;
        let free_pages = pragma(&snapshot, "freelist_count")?;
        let unfinished: i64 =
            snapshot.query_row(include_str!("sql/task_unfinished_count.sql"), [], |row| row.get(0))?;
        Ok(SqliteStatistics {
            schema_version: migration::version(&snapshot)?,
            file_bytes: pages * page_bytes,
            wal_bytes: wal_bytes(&self.path),
            pages,
            free_pages,
            free_bytes: free_pages * page_bytes,
            unfinished_tasks: unfinished.cast_unsigned(),
            rows,
        })
    }
}

fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut select = connection.prepare(include_str!("sql/table_list.sql"))?;
    let names = select.query_map([], |row| row.get(0))?;
    names.collect()
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<u64> {
    connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0)).map(i64::cast_unsigned)
}
