//! The few ways in which statements are run.

use miroir_domain::row::next_version;
use miroir_ports::outbound::Put;
use rusqlite::{Connection, Params, Row};

use crate::error::Failure;

/// The row a query finds, if it finds one.
pub(crate) fn one<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    decode: impl FnOnce(&Row<'_>) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(params)?;
    rows.next()?.map(decode).transpose()
}

/// Every row a query finds, in its order.
pub(crate) fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    decode: impl Fn(&Row<'_>) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(decode(row)?);
    }
    Ok(found)
}

/// Makes a change; answers how many rows it met.
pub(crate) fn change(connection: &Connection, sql: &str, params: impl Params) -> Result<u64, Failure> {
    Ok(connection.prepare_cached(sql)?.execute(params)? as u64)
}

/// Replaces a row whose version is `found` if that is `expected`; `write` is given the version it then has.
pub(crate) fn replace(
    found: Option<u64>,
    expected: u64,
    write: impl FnOnce(u64) -> Result<(), Failure>,
) -> Result<Put, Failure> {
    if found != Some(expected) {
        return Ok(Put::Conflict);
    }
    let version = next_version(expected)?;
    write(version)?;
    Ok(Put::Stored)
}

/// A number that only grows from zero, such as a count.
pub(crate) fn count(row: &Row<'_>, position: usize) -> Result<u64, Failure> {
    Ok(row.get::<_, i64>(position)?.cast_unsigned())
}
