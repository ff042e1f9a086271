//! Running statements.

use miroir_ports::outbound::Advance;
use rusqlite::{Connection, Params};

use crate::error::Failure;
use crate::row::{Row, read};

/// Returns the first row of a query, if there is one.
pub(crate) fn one<R: Row>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Option<R>, Failure> {
    value(connection, sql, params, read)
}

/// Returns the first row of a query as `read` decodes it, if there is one.
pub(crate) fn value<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&rusqlite::Row<'_>) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(params)?;
    rows.next()?.map(read).transpose()
}

/// Returns the rows of a query, in its order.
pub(crate) fn all<R: Row>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Vec<R>, Failure> {
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// Makes a change and returns the number of rows that it affected.
pub(crate) fn change(connection: &Connection, sql: &str, params: impl Params) -> Result<u64, Failure> {
    Ok(connection.prepare_cached(sql)?.execute(params)? as u64)
}

/// Makes a change and returns whether it affected any row.
pub(crate) fn changed(connection: &Connection, sql: &str, params: impl Params) -> Result<bool, Failure> {
    Ok(change(connection, sql, params)? > 0)
}

/// Runs `store` unless the row holds `value` or more. The numbers are compared here and not in SQL, where the
/// upper half of them is negative.
pub(crate) fn advance(
    held: Option<u64>,
    value: u64,
    store: impl FnOnce() -> Result<(), Failure>,
) -> Result<Advance, Failure> {
    match held {
        Some(held) if held >= value => Ok(Advance::Behind(held)),
        _ => {
            store()?;
            Ok(Advance::Advanced)
        }
    }
}

/// Reads a count from a column.
pub(crate) fn count(row: &rusqlite::Row<'_>, position: usize) -> Result<u64, Failure> {
    Ok(row.get::<_, i64>(position)?.cast_unsigned())
}
