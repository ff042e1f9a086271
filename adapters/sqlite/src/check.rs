//! Is the file whole?

use miroir_ports::outbound::StoreError;
use rusqlite::Row;

use crate::file::SqliteFile;

impl SqliteFile {
    /// What is wrong with the file, in SQLite's words; empty when it is whole. Reads all of it.
    pub fn problems(&self) -> Result<Vec<String>, StoreError> {
        let mut problems = self.rows("PRAGMA integrity_check", |row| row.get(0))?;
        problems.retain(|problem| problem != "ok");
        problems.extend(self.rows("PRAGMA foreign_key_check", |row| {
            let (table, row_id, parent): (String, Option<i64>, String) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            let row_id = row_id.map_or_else(|| "without a number".to_owned(), |id| id.to_string());
            Ok(format!("row {row_id} of `{table}` names a row of `{parent}` that is not there"))
        })?);
        Ok(problems)
    }

    fn rows(
        &self,
        sql: &str,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<String>,
    ) -> Result<Vec<String>, StoreError> {
        let all = || {
            let mut select = self.connection.prepare(sql)?;
            let rows = select.query_map([], |row| read(row))?;
            rows.collect::<rusqlite::Result<Vec<String>>>()
        };
        all().map_err(|error| self.failed(error))
    }
}
