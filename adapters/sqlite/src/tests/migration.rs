//! Migration from every earlier version, and refusal of later ones.

use std::collections::BTreeSet;
use std::sync::{Arc, Barrier};

use miroir_domain::TaskUid;
use miroir_ports::error_chain;
use miroir_ports::outbound::{IndexTable as _, StoreError, StoreStatus as _, TaskTable as _};
use rusqlite::Connection;

use super::{Folder, at, new_task};
use crate::migration::MIGRATIONS;
use crate::{SCHEMA_VERSION, SqliteStore, open};

/// Creates a file as the binary of `version` would have left it.
fn make(connection: &Connection, version: usize) {
    for sql in &MIGRATIONS[..version] {
        connection.execute_batch(sql).unwrap();
    }
    connection.pragma_update(None, "user_version", u32::try_from(version).unwrap()).unwrap();
}

fn schema(connection: &Connection) -> Vec<(String, String)> {
    let mut select =
        connection.prepare("SELECT name, coalesce(sql, '') FROM sqlite_schema ORDER BY name").unwrap();
    select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap()
}

fn version(connection: &Connection) -> u32 {
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

fn fresh_schema() -> Vec<(String, String)> {
    let connection = Connection::open_in_memory().unwrap();
    make(&connection, MIGRATIONS.len());
    schema(&connection)
}

#[tokio::test]
async fn every_earlier_version_is_migrated_with_its_rows() {
    for from in 0..=MIGRATIONS.len() {
        let folder = Folder::new();
        let connection = folder.connect();
        make(&connection, from);
        if from > 0 {
            let insert = "INSERT INTO tasks (miroir_id, created_at, status, node_tasks, node_errors, task_type, version)
                          VALUES (0, 7, 'enqueued', '{}', '{}', 'dumpCreation', 1);
                          UPDATE task_sequence SET next_uid = 1";
            connection.execute_batch(insert).unwrap();
        }
        drop(connection);
        let store = folder.open().await;
        assert_eq!(store.task_get(TaskUid(0)).await.unwrap().is_some(), from > 0, "from version {from}");
        assert_eq!(store.task_create(new_task(), at(1)).await.unwrap().uid.0, u32::from(from > 0));
        assert_eq!(schema(&folder.connect()), fresh_schema(), "from version {from}");
        assert_eq!(version(&folder.connect()), SCHEMA_VERSION);
    }
}

#[tokio::test]
async fn empty_file_becomes_a_store() {
    let folder = Folder::new();
    std::fs::write(folder.path(), "").unwrap();
    folder.open().await.store_ping().await.unwrap();
    assert_eq!(schema(&folder.connect()), fresh_schema());
}

#[tokio::test]
async fn opening_again_migrates_nothing() {
    let folder = Folder::new();
    folder.open().await.store_close().await.unwrap();
    let before = std::fs::read(folder.path()).unwrap();
    folder.open().await.store_close().await.unwrap();
    assert_eq!(std::fs::read(folder.path()).unwrap(), before);
}

#[test]
fn every_migration_that_adds_no_column_may_be_run_again() {
    let connection = Connection::open_in_memory().unwrap();
    let repeatable = |sql: &&&str| !sql.contains("ADD COLUMN");
    for sql in MIGRATIONS.iter().chain(MIGRATIONS.iter().filter(repeatable)) {
        connection.execute_batch(sql).unwrap();
    }
    assert_eq!(schema(&connection), fresh_schema());
}

#[tokio::test]
async fn step_that_fails_half_way_leaves_the_store_as_it_was() {
    let folder = Folder::new();
    let connection = folder.connect();
    let before_columns = MIGRATIONS.iter().position(|sql| sql.contains("ADD COLUMN")).unwrap();
    make(&connection, before_columns);
    // The step adds a column to `indexes` first, and then to the table that is missing.
    connection.execute_batch("DROP TABLE tasks").unwrap();
    let before = schema(&connection);
    let error = SqliteStore::open(folder.options()).await.unwrap_err();
    assert!(error_chain(&error).contains("no such table: tasks"), "{}", error_chain(&error));
    assert_eq!((schema(&connection), version(&connection)), (before, u32::try_from(before_columns).unwrap()));
}

#[tokio::test]
async fn earlier_indexes_keep_their_names_as_physical_uids() {
    let folder = Folder::new();
    let connection = folder.connect();
    make(&connection, MIGRATIONS.iter().position(|sql| sql.contains("ADD COLUMN")).unwrap());
    connection.execute_batch("INSERT INTO indexes VALUES ('movies', 'id', 1, 0, 0, 0, 1)").unwrap();
    let entry = folder.open().await.index_get(&super::movies()).await.unwrap().unwrap();
    assert_eq!(entry.physical_uid.as_str(), "movies");
}

#[tokio::test]
async fn store_ahead_of_the_binary_is_refused_untouched() {
    let folder = Folder::new();
    folder.open().await.store_close().await.unwrap();
    folder.connect().pragma_update(None, "user_version", SCHEMA_VERSION + 3).unwrap();
    let before = std::fs::read(folder.path()).unwrap();
    let error = SqliteStore::open(folder.options()).await.unwrap_err();
    let text = error.to_string();
    let StoreError::SchemaAhead { found, supported } = error else { panic!("{text}") };
    assert_eq!((found, supported), (SCHEMA_VERSION + 3, SCHEMA_VERSION));
    assert!(text.contains(&format!("version {found}")) && text.contains(&supported.to_string()), "{text}");
    assert_eq!(std::fs::read(folder.path()).unwrap(), before);
}

#[test]
fn concurrent_opens_of_a_new_file_all_succeed() {
    for _ in 0..5 {
        let folder = Folder::new();
        let start = Arc::new(Barrier::new(8));
        let openers: Vec<_> = (0..8)
            .map(|_| {
                let (start, options) = (Arc::clone(&start), folder.options());
                std::thread::spawn(move || {
                    start.wait();
                    // A connection of its own stands for another process.
                    let connection = open::open_for_writing(&options).unwrap();
                    version(&connection)
                })
            })
            .collect();
        for opener in openers {
            assert_eq!(opener.join().unwrap(), SCHEMA_VERSION);
        }
        assert_eq!(schema(&folder.connect()), fresh_schema());
    }
}

#[tokio::test]
async fn failed_migration_leaves_the_version_before_it() {
    let folder = Folder::new();
    let connection = folder.connect();
    make(&connection, 2);
    connection.execute_batch("ALTER TABLE tasks DROP COLUMN custom_metadata").unwrap();
    let text = error_chain(&SqliteStore::open(folder.options()).await.unwrap_err());
    assert!(
        text.contains("custom_metadata") && text.contains(&folder.path().display().to_string()),
        "{text}"
    );
    assert_eq!(version(&connection), 2);
}

#[test]
fn schema_has_every_table_and_all_are_strict() {
    let connection = Connection::open_in_memory().unwrap();
    make(&connection, MIGRATIONS.len());
    let mut select = connection
        .prepare(
            "SELECT name, strict FROM pragma_table_list WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        )
        .unwrap();
    let tables: Vec<(String, bool)> = select
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(tables.iter().all(|(_, strict)| *strict), "{tables:?}");
    let names: BTreeSet<&str> = tables.iter().map(|(name, _)| name.as_str()).collect();
    let fourteen = [
        "tasks",
        "node_settings_version",
        "aliases",
        "sessions",
        "idempotency_cache",
        "jobs",
        "leader_lease",
        "canaries",
        "canary_runs",
        "cdc_cursors",
        "tenant_map",
        "rollover_policies",
        "search_ui_config",
        "admin_sessions",
    ];
    for table in fourteen.into_iter().chain(["indexes", "replicas", "replica_totals", "replica_recovery"]) {
        assert!(names.contains(table), "{table}");
    }
}

#[tokio::test]
async fn deleting_a_canary_deletes_its_runs() {
    let folder = Folder::new();
    let store = folder.open().await;
    let left: i64 = store
        .write(|connection| {
            connection.execute_batch(
                "INSERT INTO canaries VALUES ('c', 'n', 'movies', 60, '{}', '[]', 1, 0, 1);
                 INSERT INTO canary_runs VALUES ('c', 1, 'pass', 3, '[]');
                 DELETE FROM canaries;",
            )?;
            Ok(connection.query_row("SELECT count(*) FROM canary_runs", [], |row| row.get(0))?)
        })
        .await
        .unwrap();
    assert_eq!(left, 0);
}
