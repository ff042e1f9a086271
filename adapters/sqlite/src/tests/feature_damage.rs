//! Damaged rows of the features' tables, read in every way.

use std::sync::Arc;

use miroir_domain::search_ui::ScopedKey;
use miroir_domain::{IndexUid, TaskUid};
use miroir_ports::outbound::{
    AdminSessionTable as _, AliasTable as _, CanaryTable as _, ChangeCursorTable as _, ChangeOutbox as _,
    IdempotencyTable as _, IndexTable as _, JobTable as _, LeaseTable as _, NodeSettingsTable as _,
    RateLimits as _, ReplicaTable as _, Reservation, RolloverTable as _, ScopedKeyTable as _,
    SearchUiTable as _, SessionTable as _, StoreError, TenantTable as _,
};

use super::damage::assert_corrupt;
use super::{Folder, at, movies};
use crate::SqliteStore;

/// Text that is not UTF-8.
const NO_TEXT: &str = "CAST(x'ff' AS TEXT)";

/// Opens a store and applies `damage`, which the schema would have refused.
async fn damaged(damage: &str) -> (Folder, Arc<SqliteStore>) {
    let folder = Folder::new();
    let store = folder.open().await;
    let sql = format!("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF; {damage}");
    folder.connect().execute_batch(&sql).unwrap_or_else(|error| panic!("{damage}: {error}"));
    (folder, store)
}

fn uid(name: &str) -> IndexUid {
    name.parse().unwrap()
}

#[tokio::test]
async fn damaged_alias_is_corrupt_alone_and_in_a_list() {
    let (_folder, store) =
        damaged("INSERT INTO aliases VALUES ('a', 'single', 'not an index', NULL, 1, 0, '[]')").await;
    assert_corrupt(store.alias_get(&uid("a")).await, "aliases", "a", "current_uid");
    assert_corrupt(store.alias_list(None, 9).await, "aliases", "a", "current_uid");
    let (_folder, store) = damaged("INSERT INTO aliases VALUES ('a', 'single', 'm', NULL, 1, 0, '{')").await;
    assert_corrupt(store.alias_get(&uid("a")).await, "aliases", "a", "history");
}

#[tokio::test]
async fn damaged_reservation_is_neither_given_nor_completed() {
    for (hash, task, column) in [
        ("x'07'", "NULL".to_owned(), "body_sha256"),
        ("zeroblob(32)", (1_i64 << 32).to_string(), "miroir_task_id"),
    ] {
        let insert =
            format!("INSERT INTO idempotency_cache VALUES ('k', {hash}, {task}, 'completed', 'o', 9)");
        let (_folder, store) = damaged(&insert).await;
        let reservation =
            Reservation { key: "k".into(), body_sha256: [0; 32], owner: "o".into(), expires_at: at(9) };
        let reserved = store.idempotency_reserve(&reservation, at(0)).await;
        assert_corrupt(reserved, "idempotency_cache", "k", column);
        let completed = store.idempotency_complete("k", "o", TaskUid(1), at(9), at(0)).await;
        assert_corrupt(completed, "idempotency_cache", "k", column);
    }
}

#[tokio::test]
async fn damaged_job_is_corrupt_in_a_list_and_is_not_claimed() {
    let (_folder, store) = damaged(
        "INSERT INTO jobs (id, type, params, state, attempts) VALUES ('j', 'k', '{}', 'banana', 0);
         INSERT INTO job_queue (job_id, queued_seq, max_attempts) VALUES ('j', 1, 1)",
    )
    .await;
    assert_corrupt(store.job_get("j").await, "jobs", "j", "state");
    assert_corrupt(store.job_list(None, 9).await, "jobs", "j", "state");
    assert_corrupt(store.job_claim("me", at(9), at(0)).await, "jobs", "j", "state");
}

#[tokio::test]
async fn acquire_fails_on_a_damaged_holder() {
    let insert = format!("INSERT INTO leader_lease VALUES ('s', {NO_TEXT}, 9, 1)");
    let (_folder, store) = damaged(&insert).await;
    assert_corrupt(store.lease_get("s", at(0)).await, "leader_lease", "s", "holder");
    assert_corrupt(store.lease_list(at(0)).await, "leader_lease", "s", "holder");
    let acquired = store.lease_acquire("s", "me", std::time::Duration::from_secs(1), at(0)).await;
    assert_corrupt(acquired, "leader_lease", "s", "holder");
}

#[tokio::test]
async fn damaged_canary_run_is_corrupt_by_canary_and_time() {
    for (status, assertions, column) in
        [("'banana'", "'[]'", "status"), ("'pass'", "'['", "failed_assertions_json")]
    {
        let insert = format!("INSERT INTO canary_runs VALUES ('c', 5, {status}, 1, {assertions})");
        let (_folder, store) = damaged(&insert).await;
        assert_corrupt(store.canary_run_list("c", 9).await, "canary_runs", "c/5", column);
    }
    let (_folder, store) =
        damaged("INSERT INTO canaries VALUES ('c', 'n', 'i', -1, '{}', '{}', 1, 0, 1)").await;
    assert_corrupt(store.canary_list(None, 9).await, "canaries", "c", "interval_s");
}

#[tokio::test]
async fn damaged_cursor_and_event_are_corrupt_by_sink_and_index() {
    let (_folder, store) = damaged(
        "INSERT INTO cdc_cursors VALUES ('s', 'not an index', 1, 0);
         INSERT INTO cdc_outbox (sink_name, index_uid, seq, body, size_bytes) VALUES ('s', 'movies', 4, '{', 1)",
    )
    .await;
    assert_corrupt(store.change_cursor_list("s").await, "cdc_cursors", "s/not an index", "index_uid");
    assert_corrupt(store.change_peek("s", &movies(), 0, 9).await, "cdc_outbox", "s/movies/4", "body");
}

#[tokio::test]
async fn damaged_session_tenant_policy_and_search_page_are_corrupt() {
    let (_folder, store) = damaged("INSERT INTO sessions VALUES ('s', NULL, NULL, -1, NULL, 9)").await;
    assert_corrupt(store.session_get("s", at(0)).await, "sessions", "s", "pinned_group");
    let (_folder, store) = damaged("INSERT INTO tenant_map VALUES (x'07', 't', NULL)").await;
    assert!(
        matches!(store.tenant_list(None, 9).await, Err(StoreError::Corrupt { table: "tenant_map", .. })),
        "a hash of one byte"
    );
    let (_folder, store) =
        damaged("INSERT INTO rollover_policies VALUES ('r', 'w', 'r', 'p', '{}', '[', '{}', 1, 1)").await;
    assert_corrupt(store.rollover_list(None, 9).await, "rollover_policies", "r", "retention_json");
    let (_folder, store) = damaged("INSERT INTO search_ui_config VALUES ('not an index', '{}', 0, 1)").await;
    let listed = store.search_ui_list(None, 9).await;
    assert_corrupt(listed, "search_ui_config", "not an index", "index_uid");
}

/// The id of a session opens the admin page, so the report holds only its beginning.
#[tokio::test]
async fn damaged_admin_session_is_reported_without_its_id() {
    for (hash, agent, column) in
        [("x'00'", "NULL", "admin_key_hash"), ("zeroblob(32)", NO_TEXT, "user_agent")]
    {
        let insert = format!(
            "INSERT INTO admin_sessions VALUES ('0123456789secret', 'c', {hash}, 0, 9, 0, {agent}, NULL)"
        );
        let (_folder, store) = damaged(&insert).await;
        let result = store.admin_session_get("0123456789secret", at(0)).await;
        let printed = format!("{result:?}");
        assert_corrupt(result, "admin_sessions", "012345..", column);
        assert!(!printed.contains("secret"), "{printed}");
    }
}

/// Any value but zero counts as revoked, which is the safe side.
#[tokio::test]
async fn admin_session_with_a_damaged_flag_is_not_valid() {
    let (_folder, store) =
        damaged("INSERT INTO admin_sessions VALUES ('s', 'c', zeroblob(32), 0, 9, 2, NULL, NULL)").await;
    assert_eq!(store.admin_session_get("s", at(0)).await.unwrap(), None);
}

#[tokio::test]
async fn damaged_scoped_key_is_corrupt_by_its_index_and_is_not_rotated() {
    let insert = format!("INSERT INTO search_ui_scoped_keys VALUES ('movies', 'p', {NO_TEXT}, 0, 1)");
    let (_folder, store) = damaged(&insert).await;
    let table = "search_ui_scoped_keys";
    assert_corrupt(store.scoped_key_get(&movies()).await, table, "movies", "previous_uid");
    let next = ScopedKey {
        index_uid: movies(),
        primary_uid: "q".into(),
        previous_uid: Some("p".into()),
        rotated_at: at(1),
        generation: 2,
    };
    assert_corrupt(store.scoped_key_rotate(&next).await, table, "movies", "previous_uid");
}

#[tokio::test]
async fn damaged_request_counter_is_corrupt() {
    let (_folder, store) = damaged("INSERT INTO rate_limits VALUES ('k', -1, 9)").await;
    let hit = store.rate_limit_hit("k", 1, std::time::Duration::from_secs(1), at(0)).await;
    assert_corrupt(hit, "rate_limits", "k", "hits");
}

/// A key that is not text cannot be requested, but lists read its row.
#[tokio::test]
async fn row_with_a_damaged_key_is_corrupt_in_a_list() {
    let (_folder, store) = damaged(&format!(
        "INSERT INTO aliases VALUES ({NO_TEXT}, 'single', 'm', NULL, 1, 0, '[]');
         INSERT INTO canaries VALUES ({NO_TEXT}, 'n', 'i', 1, '{{}}', '{{}}', 1, 0, 1);
         INSERT INTO cdc_cursors VALUES ('s', {NO_TEXT}, 1, 0);
         INSERT INTO indexes VALUES ({NO_TEXT}, 'id', 1, 1, 0, 0, 1, 'movies');
         INSERT INTO jobs (id, type, params, state, attempts) VALUES ({NO_TEXT}, 'k', '{{}}', 'queued', 0);
         INSERT INTO job_queue (job_id, queued_seq, max_attempts) VALUES ({NO_TEXT}, 1, 1);
         INSERT INTO leader_lease VALUES ({NO_TEXT}, 'h', 9, 1);
         INSERT INTO node_settings_version VALUES ('movies', {NO_TEXT}, 1, 0);
         INSERT INTO replicas VALUES ({NO_TEXT}, 'n-0', '{{}}', NULL, '', 0);
         INSERT INTO rollover_policies VALUES ({NO_TEXT}, 'w', 'r', 'p', '{{}}', '{{}}', '{{}}', 1, 1);
         INSERT INTO search_ui_config VALUES ({NO_TEXT}, '{{}}', 0, 1);
         INSERT INTO search_ui_scoped_key_observations VALUES ('movies', {NO_TEXT}, 1, 99999);"
    ))
    .await;
    let broken = "\u{fffd}";
    assert_corrupt(store.alias_list(None, 9).await, "aliases", broken, "name");
    assert_corrupt(store.canary_list(None, 9).await, "canaries", broken, "id");
    assert_corrupt(store.change_cursor_list("s").await, "cdc_cursors", &format!("s/{broken}"), "index_uid");
    assert_corrupt(store.index_list(None, 9).await, "indexes", broken, "uid");
    assert_corrupt(store.job_list(None, 9).await, "jobs", broken, "id");
    assert_corrupt(store.lease_list(at(0)).await, "leader_lease", broken, "scope");
    let settings = store.node_settings_list(&movies()).await;
    assert_corrupt(settings, "node_settings_version", &format!("movies/{broken}"), "node_id");
    let replicas = store.replica_list(None, 9).await;
    assert_corrupt(replicas, "replicas", &format!("{broken}/n-0"), "physical_uid");
    assert_corrupt(store.rollover_list(None, 9).await, "rollover_policies", broken, "name");
    assert_corrupt(store.search_ui_list(None, 9).await, "search_ui_config", broken, "index_uid");
    let observed = store.scoped_key_observations(&movies(), at(0)).await;
    let table = "search_ui_scoped_key_observations";
    assert_corrupt(observed, table, &format!("movies/{broken}"), "instance");
}
