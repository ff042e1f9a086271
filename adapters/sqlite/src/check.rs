//! The integrity check.

use miroir_ports::outbound::StoreError;
use rusqlite::Row;

use crate::error::is_damage;
use crate::file::SqliteFile;

impl SqliteFile {
    /// Returns the problems of the file in SQLite's words, and none if it is intact. Reads the whole file.
    pub fn problems(&self) -> Result<Vec<String>, StoreError> {
        let mut problems = Vec::new();
        self.collect(&mut problems, "PRAGMA integrity_check", |row| row.get(0))?;
        problems.retain(|problem| problem != "ok");
        self.collect(&mut problems, "PRAGMA foreign_key_check", |row| {
            let (table, row_id, parent): (String, Option<i64>, String) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            let row_id = row_id.map_or_else(|| "without a number".to_owned(), |id| id.to_string());
            Ok(format!("row {row_id} of `{table}` refers to a row of `{parent}` that does not exist"))
        })?;
        Ok(problems)
    }

    fn collect(
        &self,
        problems: &mut Vec<String>,
        sql: &str,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<String>,
    ) -> Result<(), StoreError> {
        let mut all = || {
            let mut select = self.connection.prepare(sql)?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                problems.push(read(row)?);
            }
            Ok(())
        };
        match all() {
            // Some damage ends the check. It is a finding, and the findings before it count.
            Err(error) if is_damage(&error) => {
                problems.push(format!("`{sql}` ended early because of damage: {error}"));
                Ok(())
            }
            checked => checked.map_err(|error| self.failed(error)),
        }
    }
}
