//! Migration of a file to the schema of this binary by the files in `migrations/`, in order, each in one
//! transaction.

use miroir_ports::outbound::StoreError;
use rusqlite::{Connection, TransactionBehavior};

use crate::error::Failure;

/// The steps of the schema. After step `n`, counted from 1, a store has version `n`.
pub(crate) const MIGRATIONS: [&str; 13] = [
    include_str!("../../../migrations/001_initial.sql"),
    include_str!("../../../migrations/002_feature_tables.sql"),
    include_str!("../../../migrations/003_task_registry_fields.sql"),
    include_str!("../../../migrations/004_index_registry.sql"),
    include_str!("../../../migrations/005_job_queue.sql"),
    include_str!("../../../migrations/006_change_outbox.sql"),
    include_str!("../../../migrations/007_scoped_keys.sql"),
    include_str!("../../../migrations/008_rate_limits.sql"),
    include_str!("../../../migrations/009_change_capture.sql"),
    include_str!("../../../migrations/010_replicas.sql"),
    include_str!("../../../migrations/011_identity.sql"),
    include_str!("../../../migrations/013_committed_settings.sql"),
    include_str!("../../../migrations/014_physical_uids.sql"),
];

/// The schema version of this binary.
#[expect(clippy::cast_possible_truncation, reason = "there will never be 2^32 migrations")]
pub const SCHEMA_VERSION: u32 = MIGRATIONS.len() as u32;

/// The application id that 001 writes into the header of the file: the letters `MiRo` as a number.
const APPLICATION_ID: i64 = 0x4D69_526F;

/// Refuses a file that is not a store of Miroir or was written by a newer one, without changing it.
pub(crate) fn check(connection: &Connection) -> Result<(), Failure> {
    // One transaction reads all three, because another process may be creating the store.
    let snapshot = connection.unchecked_transaction()?;
    let application: i64 = pragma(&snapshot, "application_id")?;
    let objects: i64 = snapshot.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let version = version(&snapshot)?;
    snapshot.rollback()?;
    let ours = application == APPLICATION_ID;
    let fresh = application == 0 && objects == 0 && version == 0;
    if !ours && !fresh {
        let path = connection.path().unwrap_or_default();
        return Err(StoreError::InvalidInput(format!(
            "`{path}` is the SQLite database of another program: name another file; this one was not touched"
        ))
        .into());
    }
    refuse_ahead(version)
}

/// Applies the migrations that the file has not had yet. Two processes may do this at once, because each step
/// reads the version again after it has the write lock.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), Failure> {
    for (step, sql) in (1..).zip(MIGRATIONS) {
        if version(connection)? >= step {
            continue;
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if version(&transaction)? < step {
            transaction.execute_batch(sql)?;
            transaction.pragma_update(None, "user_version", step)?;
            tracing::info!(version = step, "migrated the SQLite store");
        }
        transaction.commit()?;
    }
    refuse_ahead(version(connection)?)
}

fn refuse_ahead(found: u32) -> Result<(), Failure> {
    if found > SCHEMA_VERSION {
        return Err(StoreError::SchemaAhead { found, supported: SCHEMA_VERSION }.into());
    }
    Ok(())
}

pub(crate) fn version(connection: &Connection) -> Result<u32, Failure> {
    // SQLite keeps 32 bits, signed. Miroir writes small numbers only, so a negative one is far ahead.
    Ok(u32::try_from(pragma(connection, "user_version")?).unwrap_or(u32::MAX))
}

fn pragma(connection: &Connection, name: &str) -> Result<i64, Failure> {
    Ok(connection.pragma_query_value(None, name, |row| row.get(0))?)
}
