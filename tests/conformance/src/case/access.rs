//! Access: scoped keys, admin sessions (table 14), rate limits and log-ins.

use std::time::Duration;

use futures_util::StreamExt as _;
use miroir_domain::admin_session::AdminSession;
use miroir_domain::search_ui::ScopedKey;
use miroir_ports::outbound::{Create, LoginAttempt, Put, RateDecision, Revocation, StoreError};

use crate::harness::Harness;
use crate::sample::{at, index};

fn key(generation: u64) -> ScopedKey {
    ScopedKey {
        index_uid: index("films"),
        primary_uid: format!("key-{generation}"),
        previous_uid: Some(format!("key-{}", generation.saturating_sub(1))),
        rotated_at: at(7),
        generation,
    }
}

/// SCOPED-1.
pub(crate) async fn keys_rotate_one_generation_at_a_time<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let films = index("films");
    assert!(matches!(store.scoped_key_rotate(&key(0)).await, Err(StoreError::InvalidInput(_))));
    assert_eq!(store.scoped_key_rotate(&key(2)).await.unwrap(), Put::Conflict);
    assert_eq!(store.scoped_key_retire(&films, 1).await.unwrap(), Put::Conflict);
    for generation in [1, 2] {
        assert_eq!(store.scoped_key_rotate(&key(generation)).await.unwrap(), Put::Stored);
        assert_eq!(store.scoped_key_rotate(&key(generation)).await.unwrap(), Put::Conflict);
        assert_eq!(store.scoped_key_get(&films).await.unwrap(), Some(key(generation)));
    }
    assert_eq!(store.scoped_key_retire(&films, 1).await.unwrap(), Put::Conflict);
    assert_eq!(store.scoped_key_retire(&films, 2).await.unwrap(), Put::Stored);
    let retired = ScopedKey { previous_uid: None, ..key(2) };
    assert_eq!(store.scoped_key_get(&films).await.unwrap(), Some(retired));
}

/// SCOPED-2, SCOPED-3.
pub(crate) async fn observations_expire_after_a_minute_of_silence<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let films = index("films");
    let observe = |instance, generation, now| store.scoped_key_observe(&films, instance, generation, at(now));
    observe("b", 5, 0).await.unwrap();
    observe("a", 1, 10).await.unwrap();
    store.scoped_key_observe(&index("books"), "c", 9, at(10)).await.unwrap();
    observe("b", 4, 20).await.unwrap();
    let seen = |now| async move {
        let rows = store.scoped_key_observations(&index("films"), at(now)).await.unwrap();
        rows.into_iter().map(|row| (row.instance, row.generation)).collect::<Vec<_>>()
    };
    let (a, b) = (("a".to_owned(), 1), ("b".to_owned(), 5));
    assert_eq!(seen.clone()(60_009).await, [a, b.clone()]);
    assert_eq!(seen.clone()(60_010).await, std::slice::from_ref(&b));
    assert_eq!(seen.clone()(60_019).await, [b]);
    assert_eq!(seen(60_020).await, []);
}

/// SCOPED-2: a record that no longer counts does not prevent a lower one.
pub(crate) async fn silent_instance_may_record_a_lower_generation<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let films = index("films");
    store.scoped_key_observe(&films, "a", 5, at(0)).await.unwrap();
    store.scoped_key_observe(&films, "a", 2, at(60_000)).await.unwrap();
    assert_eq!(store.scoped_key_observations(&films, at(60_000)).await.unwrap()[0].generation, 2);
}

fn admin_session(id: &str) -> AdminSession {
    AdminSession {
        session_id: id.to_owned(),
        csrf_token: "a:b{c}\0🎬".to_owned(),
        admin_key_hash: [0xfe; 32],
        created_at: at(1),
        expires_at: at(100),
        revoked: false,
        user_agent: Some(String::new()),
        source_ip: None,
    }
}

/// ADMIN-1, ADMIN-2.
pub(crate) async fn admin_session_expires_to_the_millisecond<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    for id in ["", "a:b{c}", "nul\0🎬"] {
        let session = admin_session(id);
        assert_eq!(store.admin_session_create(&session, at(99)).await.unwrap(), Create::Created);
        assert_eq!(store.admin_session_get(id, at(99)).await.unwrap(), Some(session));
        assert_eq!(store.admin_session_get(id, at(100)).await.unwrap(), None);
        assert!(!store.admin_session_revoke(id, at(100)).await.unwrap());
        let again = AdminSession { expires_at: at(900), ..admin_session(id) };
        assert_eq!(store.admin_session_create(&again, at(200)).await.unwrap(), Create::Exists);
    }
    let late = store.admin_session_create(&admin_session("late"), at(100)).await;
    assert!(matches!(late, Err(StoreError::InvalidInput(_))));
    let revoked = AdminSession { revoked: true, ..admin_session("revoked") };
    assert!(matches!(store.admin_session_create(&revoked, at(0)).await, Err(StoreError::InvalidInput(_))));
}

/// ADMIN-3, ADMIN-4, STORE-8.
pub(crate) async fn revoked_session_stays_revoked<H: Harness>() {
    let mut harness = H::start().await;
    let store = harness.store();
    for id in ["a", "b"] {
        store.admin_session_create(&admin_session(id), at(0)).await.unwrap();
    }
    assert!(store.admin_session_revoke("a", at(1)).await.unwrap());
    assert!(!store.admin_session_revoke("a", at(1)).await.unwrap());
    assert!(!store.admin_session_revoke("none", at(1)).await.unwrap());
    assert_eq!(store.admin_session_purge(at(99), 9).await.unwrap(), 0);
    harness.reopen().await;
    let store = harness.store();
    assert_eq!(store.admin_session_get("a", at(1)).await.unwrap(), None);
    assert_eq!(store.admin_session_create(&admin_session("a"), at(1)).await.unwrap(), Create::Exists);
    assert!(store.admin_session_get("b", at(1)).await.unwrap().is_some());
    assert_eq!(store.admin_session_purge(at(100), 1).await.unwrap(), H::purged(1));
    assert_eq!(store.admin_session_purge(at(100), 9).await.unwrap(), H::purged(1));
}

/// REVOKE-1, ADMIN-3.
pub(crate) async fn every_subscriber_receives_revocations<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let mut subscriptions = [store.revocations().await.unwrap(), store.revocations().await.unwrap()];
    for id in ["nul\0🎬", "b", "never"] {
        store.admin_session_create(&admin_session(id), at(0)).await.unwrap();
    }
    assert!(store.admin_session_revoke("nul\0🎬", at(1)).await.unwrap());
    assert!(!store.admin_session_revoke("nul\0🎬", at(1)).await.unwrap(), "already revoked");
    assert!(store.admin_session_revoke("b", at(1)).await.unwrap());
    for subscription in &mut subscriptions {
        for id in ["nul\0🎬", "b"] {
            assert_eq!(subscription.next().await, Some(Revocation::Session(id.to_owned())));
        }
    }
    store.store_close().await.unwrap();
    for subscription in &mut subscriptions {
        assert_eq!(subscription.next().await, None);
    }
}

const WINDOW: Duration = Duration::from_millis(100);

/// RATE-1, RATE-2.
pub(crate) async fn window_allows_its_limit_and_no_more<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let hit = |now| store.rate_limit_hit("k:{}", 2, WINDOW, at(now));
    let allowed = |remaining| RateDecision { allowed: true, remaining, retry_after: Duration::ZERO };
    assert_eq!(hit(0).await.unwrap(), allowed(1));
    assert_eq!(hit(50).await.unwrap(), allowed(0));
    let refused =
        |millis| RateDecision { allowed: false, remaining: 0, retry_after: Duration::from_millis(millis) };
    assert_eq!(hit(60).await.unwrap(), refused(40));
    assert_eq!(hit(99).await.unwrap(), refused(1));
    assert_eq!(hit(100).await.unwrap(), allowed(1), "a new window");
    assert_eq!(store.rate_limit_hit("other", 2, WINDOW, at(100)).await.unwrap(), allowed(1));
    for (limit, window) in [(0, WINDOW), (1, Duration::ZERO)] {
        let result = store.rate_limit_hit("k", limit, window, at(0)).await;
        assert!(matches!(result, Err(StoreError::InvalidInput(_))), "RATE-3");
    }
    assert_eq!(store.rate_limit_purge(at(199), 9).await.unwrap(), 0);
    assert_eq!(store.rate_limit_purge(at(200), 9).await.unwrap(), H::purged(2));
}

/// RATE-1 under many callers.
pub(crate) async fn window_allows_exactly_its_limit_under_many_callers<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let hits = (0..100).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.rate_limit_hit("k", 30, WINDOW, at(0)).await.unwrap().allowed })
    });
    let mut allowed = 0;
    for hit in hits.collect::<Vec<_>>() {
        allowed += u32::from(hit.await.unwrap());
    }
    assert_eq!(allowed, 30);
}

/// LOGIN-1, LOGIN-2: free up to the fifth failure, then ten minutes, then twice that.
pub(crate) async fn login_waits_after_failures<H: Harness>() {
    const MINUTE: i64 = 60_000;
    let harness = H::start().await;
    let store = harness.store();
    let attempt = |now| store.login_attempt("::1", at(now));
    let wait = |minutes| LoginAttempt::Wait(Duration::from_mins(minutes));
    for _ in 0..5 {
        assert_eq!(attempt(0).await.unwrap(), LoginAttempt::Allowed);
    }
    assert_eq!(attempt(0).await.unwrap(), wait(10));
    let last = LoginAttempt::Wait(Duration::from_millis(1));
    assert_eq!(attempt(10 * MINUTE - 1).await.unwrap(), last);
    assert_eq!(attempt(10 * MINUTE).await.unwrap(), LoginAttempt::Allowed);
    assert_eq!(attempt(10 * MINUTE).await.unwrap(), wait(20));
    assert_eq!(store.login_attempt("::2", at(0)).await.unwrap(), LoginAttempt::Allowed);
    store.login_succeeded("::1").await.unwrap();
    for _ in 0..5 {
        assert_eq!(attempt(11 * MINUTE).await.unwrap(), LoginAttempt::Allowed);
    }
    assert_eq!(attempt(11 * MINUTE).await.unwrap(), wait(10));
}

/// LOGIN-3.
pub(crate) async fn login_failures_are_forgotten_after_two_days<H: Harness>() {
    const TWO_DAYS: i64 = 48 * 3_600_000;
    let harness = H::start().await;
    let store = harness.store();
    for _ in 0..4 {
        store.login_attempt("a", at(0)).await.unwrap();
    }
    assert_eq!(store.rate_limit_purge(at(TWO_DAYS - 1), 9).await.unwrap(), 0);
    for _ in 0..5 {
        assert_eq!(store.login_attempt("a", at(TWO_DAYS)).await.unwrap(), LoginAttempt::Allowed);
    }
    assert_eq!(store.rate_limit_purge(at(TWO_DAYS * 2), 9).await.unwrap(), H::purged(1));
}

/// LOGIN-1: concurrent guesses count one by one.
pub(crate) async fn concurrent_guesses_count<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let attempts = (0..40).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.login_attempt("a", at(0)).await.unwrap() })
    });
    let mut allowed = 0;
    for attempt in attempts.collect::<Vec<_>>() {
        allowed += u32::from(attempt.await.unwrap() == LoginAttempt::Allowed);
    }
    assert_eq!(allowed, 5);
}
