//! Table 4, `sessions`.

use miroir_domain::session::Session;
use miroir_domain::{GroupId, TaskUid};
use miroir_ports::outbound::StoreError;

use crate::harness::Harness;
use crate::sample::at;

fn session(id: &str, expires_at: i64) -> Session {
    Session {
        session_id: id.to_owned(),
        last_write: None,
        last_write_at: None,
        pinned_group: None,
        min_settings_version: None,
        expires_at: at(expires_at),
    }
}

/// SESSION-1, STORE-4.
pub(crate) async fn session_reads_back_and_is_replaced<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    for id in ["", "a:b{c}", "nul\0", "🎬", &"x".repeat(4_000)] {
        let full = Session {
            last_write: Some(TaskUid(u32::MAX)),
            last_write_at: Some(at(1)),
            pinned_group: Some(GroupId(u32::MAX)),
            min_settings_version: Some(u64::MAX),
            ..session(id, 50)
        };
        for row in [full, session(id, 40)] {
            assert_eq!(store.session_put(&row, 100, at(0)).await.unwrap(), 0);
            assert_eq!(store.session_get(id, at(0)).await.unwrap(), Some(row));
        }
        assert!(store.session_delete(id).await.unwrap() && !store.session_delete(id).await.unwrap());
    }
}

/// SESSION-3, SESSION-4, STORE-10.
pub(crate) async fn session_expires_to_the_millisecond<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    store.session_put(&session("s", 100), 9, at(0)).await.unwrap();
    for (now, there) in [(99, true), (100, false), (101, false)] {
        assert_eq!(store.session_get("s", at(now)).await.unwrap().is_some(), there, "at {now}");
        assert_eq!(store.session_count(at(now)).await.unwrap(), u64::from(there));
    }
    assert!(!store.session_touch("s", at(900), at(100)).await.unwrap(), "it has ended");
    assert!(store.session_touch("s", at(50), at(99)).await.unwrap(), "it is not shortened");
    assert!(store.session_touch("s", at(200), at(99)).await.unwrap());
    assert_eq!(store.session_get("s", at(199)).await.unwrap(), Some(session("s", 200)));
    for row in [session("s", 100), session("t", 99)] {
        assert!(matches!(store.session_put(&row, 9, at(100)).await, Err(StoreError::InvalidInput(_))));
    }
}

/// SESSION-2: the least recently used session is evicted first, and never the one that was just stored.
pub(crate) async fn least_recently_used_sessions_are_evicted<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    for (id, expires_at) in [("a", 300), ("b", 100), ("c", 200), ("ended", 20)] {
        store.session_put(&session(id, expires_at), 4, at(10)).await.unwrap();
    }
    store.session_touch("b", at(400), at(10)).await.unwrap();
    assert_eq!(store.session_put(&session("d", 50), 3, at(20)).await.unwrap(), 1, "`ended` does not count");
    assert_eq!(store.session_get("c", at(20)).await.unwrap(), None);
    assert_eq!(store.session_put(&session("e", 30), 1, at(20)).await.unwrap(), 3);
    assert_eq!(store.session_get("e", at(20)).await.unwrap(), Some(session("e", 30)));
    assert_eq!(store.session_count(at(20)).await.unwrap(), 1);
    assert!(matches!(
        store.session_put(&session("f", 90), 0, at(20)).await,
        Err(StoreError::InvalidInput(_))
    ));
}

/// SESSION-5.
pub(crate) async fn purge_removes_expired_sessions_alone<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    for (id, expires_at) in [("a", 10), ("b", 11), ("c", 12)] {
        store.session_put(&session(id, expires_at), 9, at(0)).await.unwrap();
    }
    assert_eq!(store.session_purge(at(9), 9).await.unwrap(), 0);
    assert_eq!(store.session_purge(at(11), 1).await.unwrap(), 1);
    assert_eq!(store.session_purge(at(11), 9).await.unwrap(), 1);
    assert!(store.session_get("c", at(11)).await.unwrap().is_some());
}
