//! Rows that cannot be decoded are reported by table and key. They are never skipped and never cause a panic.

use miroir_domain::task::TaskQuery;
use miroir_domain::{NodeId, TaskUid};
use miroir_ports::outbound::{
    AliasTable as _, CanaryTable as _, IndexTable as _, JobTable as _, NodeSettingsTable as _, Outcome,
    RolloverTable as _, SearchUiTable as _, SessionTable as _, StoreError, TaskTable as _, TenantTable as _,
};

use super::{Folder, at, movies, new_task};

pub(super) fn assert_corrupt<T: std::fmt::Debug>(
    result: Result<T, StoreError>,
    table: &str,
    key: &str,
    column: &str,
) {
    match result {
        Err(StoreError::Corrupt { table: in_table, key: of_key, reason, .. }) => {
            assert_eq!((in_table, of_key.as_str()), (table, key));
            assert!(reason.contains(column), "{reason}");
        }
        other => panic!("{column}: {other:?}"),
    }
}

#[tokio::test]
async fn damaged_task_is_corrupt_by_its_uid() {
    let damages = [
        ("status", "'banana'"),
        ("task_type", "'banana'"),
        ("index_uid", "'not an index'"),
        ("node_tasks", "'{\"n-0\":'"),
        ("node_tasks", "'[]'"),
        ("node_tasks", "'{\"not a node\":{}}'"),
        ("node_errors", "''"),
        ("error", "'{\"message\":1}'"),
        ("details", "'3'"),
        ("canceled_by", "4294967296"),
        ("canceled_by", "-1"),
        ("custom_metadata", "CAST(x'ff' AS TEXT)"),
        ("details", "CAST(x'7b22ff227d' AS TEXT)"),
    ];
    for (column, value) in damages {
        let folder = Folder::new();
        let store = folder.open().await;
        for _ in 0..3 {
            store.task_create(new_task(), at(1)).await.unwrap();
        }
        let damage = format!(
            "PRAGMA ignore_check_constraints = ON; UPDATE tasks SET {column} = {value} WHERE miroir_id = 1"
        );
        folder.connect().execute_batch(&damage).unwrap();
        assert_corrupt(store.task_get(TaskUid(1)).await, "tasks", "1", column);
        assert_corrupt(store.task_list(&TaskQuery::default()).await, "tasks", "1", column);
        assert!(store.task_get(TaskUid(2)).await.unwrap().is_some(), "its neighbours are well");
    }
}

#[tokio::test]
async fn put_fails_on_a_damaged_status() {
    let folder = Folder::new();
    let store = folder.open().await;
    let task = store.task_create(new_task(), at(1)).await.unwrap();
    let damage = "PRAGMA ignore_check_constraints = ON; UPDATE tasks SET status = 'banana'";
    folder.connect().execute_batch(damage).unwrap();
    assert_corrupt(store.task_put(task).await, "tasks", "0", "status");
}

#[tokio::test]
async fn damaged_index_entry_is_corrupt_by_its_uid() {
    let folder = Folder::new();
    let store = folder.open().await;
    let insert = "INSERT INTO indexes VALUES ('movies', 'id', -1, 1, 0, 0, 1, 'movies')";
    folder.connect().execute_batch(insert).unwrap();
    assert_corrupt(store.index_get(&movies()).await, "indexes", "movies", "shard_count");
    assert_corrupt(store.index_list(None, 9).await, "indexes", "movies", "shard_count");
}

#[tokio::test]
async fn damaged_settings_row_is_corrupt_by_index_and_node() {
    let folder = Folder::new();
    let store = folder.open().await;
    let insert = "INSERT INTO node_settings_version VALUES ('movies', 'not a node', 1, 0)";
    folder.connect().execute_batch(insert).unwrap();
    let listed = store.node_settings_list(&movies()).await;
    assert_corrupt(listed, "node_settings_version", "movies/not a node", "node_id");
    let node: NodeId = "n-0".parse().unwrap();
    assert_eq!(store.node_settings_get(&movies(), &node).await.unwrap(), None);
}

/// A read of a damaged row.
type Look =
    fn(std::sync::Arc<crate::SqliteStore>) -> std::pin::Pin<Box<dyn Future<Output = Result<(), StoreError>>>>;

#[tokio::test]
async fn damaged_rows_of_every_feature_are_corrupt_by_their_key() {
    let hash = "x'".to_owned() + &"07".repeat(32) + "'";
    let cases: Vec<(&str, String, &str, &str, Look)> = vec![
        (
            "aliases",
            "INSERT INTO aliases VALUES ('a', 'multi', NULL, '{', 1, 0, '[]')".into(),
            "a",
            "target_uids",
            |store| Box::pin(async move { store.alias_get(&"a".parse().unwrap()).await.map(drop) }),
        ),
        (
            "sessions",
            "INSERT INTO sessions VALUES ('s', -1, NULL, NULL, NULL, 9)".into(),
            "s",
            "last_write_mtask_id",
            |store| Box::pin(async move { store.session_get("s", at(0)).await.map(drop) }),
        ),
        (
            "jobs",
            "INSERT INTO jobs (id, type, params, state, attempts) VALUES ('j', 'k', '{', 'queued', 0);
                  INSERT INTO job_queue (job_id, queued_seq, max_attempts) VALUES ('j', 1, 1)"
                .into(),
            "j",
            "params",
            |store| Box::pin(async move { store.job_get("j").await.map(drop) }),
        ),
        (
            "canaries",
            "INSERT INTO canaries VALUES ('c', 'n', 'not an index', 1, '{}', '{}', 1, 0, 1)".into(),
            "c",
            "index_uid",
            |store| Box::pin(async move { store.canary_get("c").await.map(drop) }),
        ),
        (
            "tenant_map",
            format!("INSERT INTO tenant_map VALUES ({hash}, 't', 4294967296)"),
            "",
            "group_id",
            |store| {
                Box::pin(async move {
                    store.tenant_get(miroir_domain::tenant::ApiKeyHash([7; 32])).await.map(drop)
                })
            },
        ),
        (
            "rollover_policies",
            "INSERT INTO rollover_policies VALUES ('r', 'w', 'r', 'p', '[', '{}', '{}', 1, 1)".into(),
            "r",
            "triggers_json",
            |store| Box::pin(async move { store.rollover_get("r").await.map(drop) }),
        ),
        (
            "search_ui_config",
            "INSERT INTO search_ui_config VALUES ('u', 'nonsense', 0, 1)".into(),
            "u",
            "config_json",
            |store| Box::pin(async move { store.search_ui_get(&"u".parse().unwrap()).await.map(drop) }),
        ),
    ];
    for (table, damage, key, column, look) in cases {
        let folder = Folder::new();
        let store = folder.open().await;
        let sql = format!("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF; {damage}");
        folder.connect().execute_batch(&sql).unwrap_or_else(|error| panic!("{table}: {error}"));
        match look(store).await {
            Err(StoreError::Corrupt { table: in_table, key: of_key, reason, .. }) => {
                assert_eq!(in_table, table);
                assert!(of_key.contains(key), "{of_key}");
                assert!(reason.contains(column), "{reason}");
            }
            other => panic!("{table}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn last_uid_is_given_once() {
    let folder = Folder::new();
    let store = folder.open().await;
    folder.connect().execute_batch("UPDATE task_sequence SET next_uid = 4294967295").unwrap();
    assert_eq!(store.task_create(new_task(), at(1)).await.unwrap().uid, TaskUid(u32::MAX));
    for _ in 0..2 {
        let refused = store.task_create(new_task(), at(1)).await;
        assert!(
            matches!(refused, Err(StoreError::Unavailable { outcome: Outcome::NotApplied, .. })),
            "{refused:?}"
        );
    }
    assert_eq!(store.task_list(&TaskQuery::default()).await.unwrap().tasks[0].uid, TaskUid(u32::MAX));
}

#[tokio::test]
async fn damage_while_open_is_reported_with_the_path() {
    let folder = Folder::new();
    let store = folder.open().await;
    let root: i64 = folder
        .connect()
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'indexes'", [], |row| row.get(0))
        .unwrap();
    // Copy the log into the file, then overwrite the table's page with garbage.
    folder.connect().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let mut bytes = std::fs::read(folder.path()).unwrap();
    let start = usize::try_from(root - 1).unwrap() * 4096;
    bytes[start..start + 4096].fill(0xA5);
    std::fs::write(folder.path(), bytes).unwrap();
    let text = store.index_list(None, 9).await.unwrap_err().to_string();
    assert!(text.contains("damaged") && text.contains(&folder.path().display().to_string()), "{text}");
}
