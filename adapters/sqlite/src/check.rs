//! Is the file whole?

use miroir_ports::outbound::StoreError;
use rusqlite::Row;

use crate::error::is_damage;
use crate::file::SqliteFile;

impl SqliteFile {
    /// What is wrong with the file, in SQLite's words; empty when it is whole. Reads all of it.
    pub fn problems(&self) -> Result<Vec<String>, StoreError> {
        let mut problems = Vec::new();
        self.look(&mut problems, "PRAGMA integrity_check", |row| row.get(0))?;
        problems.retain(|problem| problem != "ok");
        self.look(&mut problems, "PRAGMA foreign_key_check", |row| {
            let (table, row_id, parent): (String, Option<i64>, String) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            let row_id = row_id.map_or_else(|| "without a number".to_owned(), |id| id.to_string());
            Ok(format!("row {row_id} of `{table}` names a row of `{parent}` that is not there"))
        })?;
        Ok(problems)
    }

    fn look(
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
            // Some damage ends the look at it. It is what was looked for, and what was seen before it counts.
            Err(error) if is_damage(&error) => {
                problems.push(format!("`{sql}` was ended by damage: {error}"));
                Ok(())
            }
            answer => answer.map_err(|error| self.failed(error)),
        }
    }
}
