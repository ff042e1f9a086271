//! Rows and their columns. A column that cannot be read is `Corrupt`, by table and key.

use std::error::Error;
use std::fmt::{Display, Write as _};

use miroir_domain::Timestamp;
use miroir_ports::outbound::StoreError;
#[cfg(test)]
use rusqlite::Connection;
use rusqlite::types::{FromSql, ValueRef};
use serde_json::Value;

use crate::error::Failure;

/// A column of a statement: its position, by which it is read, and its name, for reports.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column(pub(crate) usize, pub(crate) &'static str);

/// Asserts that `columns` are those of `sql`, each at its position.
#[cfg(test)]
pub(crate) fn assert_columns(sql: &str, columns: &[Column]) {
    let connection = Connection::open_in_memory().unwrap();
    for migration in crate::migration::MIGRATIONS {
        connection.execute_batch(migration).unwrap();
    }
    let statement = connection.prepare(sql).unwrap();
    let places: Vec<usize> = columns.iter().map(|column| column.0).collect();
    let names: Vec<&str> = columns.iter().map(|column| column.1).collect();
    assert_eq!(places, (0..columns.len()).collect::<Vec<_>>());
    assert_eq!(statement.column_names(), names);
}

/// A row of a table, decoded from the columns of the statements that select it.
pub(crate) trait Row: Sized {
    /// The name of the table, for reports.
    const TABLE: &'static str;
    /// The columns that identify a row in a report.
    const KEY: &'static [Column];

    /// Decodes the columns.
    fn decode(reader: &Reader<'_>) -> Result<Self, Failure>;

    /// Returns the name of a row in reports. Tables whose keys are secrets shorten it.
    fn label(row: &rusqlite::Row<'_>) -> rusqlite::Result<String> {
        key_text(row, Self::KEY)
    }
}

/// Decodes the current row of a statement.
pub(crate) fn read<R: Row>(row: &rusqlite::Row<'_>) -> Result<R, Failure> {
    let key = R::label(row)?;
    R::decode(&Reader { table: R::TABLE, key: &key, row })
}

/// Returns the key columns of a row as one text. A key of a wrong type is rendered as well as possible, so
/// that the report of the column names its row.
pub(crate) fn key_text(row: &rusqlite::Row<'_>, columns: &[Column]) -> rusqlite::Result<String> {
    let mut text = String::new();
    for (place, column) in columns.iter().enumerate() {
        if place > 0 {
            text.push('/');
        }
        match row.get_ref(column.0)? {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
            ValueRef::Integer(number) => text.push_str(&number.to_string()),
            // Writing to a string cannot fail.
            other => drop(write!(text, "{other:?}")),
        }
    }
    Ok(text)
}

/// A row of `table` and its key in reports.
pub(crate) struct Reader<'r> {
    pub(crate) table: &'static str,
    pub(crate) key: &'r dyn Display,
    pub(crate) row: &'r rusqlite::Row<'r>,
}

impl Reader<'_> {
    /// Reads a column as SQLite types it.
    pub(crate) fn get<T: FromSql>(&self, column: Column) -> Result<T, Failure> {
        self.row.get(column.0).map_err(|error| self.unreadable(column, error))
    }

    /// Reads an unsigned counter of 64 bits: see the head of `001_initial.sql`.
    pub(crate) fn counter(&self, column: Column) -> Result<u64, Failure> {
        self.get::<i64>(column).map(i64::cast_unsigned)
    }

    /// Reads a time, if there is one.
    pub(crate) fn time(&self, column: Column) -> Result<Option<Timestamp>, Failure> {
        Ok(self.get::<Option<i64>>(column)?.map(Timestamp::from_millis))
    }

    /// Reads a time that every row has.
    pub(crate) fn time_always(&self, column: Column) -> Result<Timestamp, Failure> {
        self.get(column).map(Timestamp::from_millis)
    }

    /// Reads a column as text, without copying it. Returns `None` for null.
    pub(crate) fn text(&self, column: Column) -> Result<Option<&str>, Failure> {
        let value = self.row.get_ref(column.0).map_err(|error| self.unreadable(column, error))?;
        match value {
            ValueRef::Null => Ok(None),
            other => other.as_str().map(Some).map_err(|error| self.undecodable(column, error)),
        }
    }

    /// Reads a JSON document, if there is one.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, column: Column) -> Result<Option<T>, Failure> {
        let Some(text) = self.text(column)? else { return Ok(None) };
        serde_json::from_str(text).map(Some).map_err(|error| self.undecodable(column, error))
    }

    /// Reads a JSON document that every row has.
    pub(crate) fn json_always<T: serde::de::DeserializeOwned>(&self, column: Column) -> Result<T, Failure> {
        self.json(column)?.ok_or_else(|| self.missing(column))
    }

    /// Reads a word or name that its type checks. Returns `None` for null.
    pub(crate) fn name<T>(&self, column: Column) -> Result<Option<T>, Failure>
    where
        T: std::str::FromStr,
        T::Err: Error + Send + Sync + 'static,
    {
        let Some(text) = self.text(column)? else { return Ok(None) };
        text.parse().map(Some).map_err(|error| self.undecodable(column, error))
    }

    /// Reads a word or name that every row has.
    pub(crate) fn name_always<T>(&self, column: Column) -> Result<T, Failure>
    where
        T: std::str::FromStr,
        T::Err: Error + Send + Sync + 'static,
    {
        self.name(column)?.ok_or_else(|| self.missing(column))
    }

    /// Reads text that serde checks, such as a primary key.
    pub(crate) fn checked<T: serde::de::DeserializeOwned>(
        &self,
        column: Column,
    ) -> Result<Option<T>, Failure> {
        let Some(text) = self.text(column)? else { return Ok(None) };
        let value = Value::String(text.to_owned());
        serde_json::from_value(value).map(Some).map_err(|error| self.undecodable(column, error))
    }

    /// Tells a value that does not fit its type from a failure of SQLite.
    fn unreadable(&self, column: Column, error: rusqlite::Error) -> Failure {
        match error {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..) => self.undecodable(column, error),
            other => other.into(),
        }
    }

    fn undecodable(&self, column: Column, error: impl Error + Send + Sync + 'static) -> Failure {
        self.corrupt(format!("column `{}` cannot be decoded", column.1)).with_source(error).into()
    }

    fn missing(&self, column: Column) -> Failure {
        self.corrupt(format!("column `{}` is null", column.1)).into()
    }

    fn corrupt(&self, reason: String) -> StoreError {
        StoreError::corrupt(self.table, self.key.to_string(), reason)
    }
}

/// Encodes a value as the JSON text of a column.
pub(crate) fn to_json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::InvalidInput(format!("a value cannot be written as JSON: {error}")))
}
