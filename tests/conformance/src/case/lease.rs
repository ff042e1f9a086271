//! Table 7, `leader_lease`.

use std::time::Duration;

use miroir_ports::outbound::{Acquire, Consequences, Lease, Outcome, Put, StoreError};

use crate::harness::Harness;
use crate::sample::{any_task, at, index, node, physical};

const TTL: Duration = Duration::from_millis(100);

fn lease(scope: &str, holder: &str, expires_at: i64, token: u64) -> Lease {
    Lease { scope: scope.to_owned(), holder: holder.to_owned(), expires_at: at(expires_at), token }
}

/// LEASE-2, LEASE-3.
pub(crate) async fn term_runs_to_the_millisecond_and_tokens_grow<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    for scope in ["", "a:b{c}", "nul\0🎬"] {
        let acquire = |holder, now| store.lease_acquire(scope, holder, TTL, at(now));
        let first = lease(scope, "one", 100, 1);
        assert_eq!(acquire("one", 0).await.unwrap(), Acquire::Acquired(first.clone()));
        for holder in ["two", "one"] {
            assert_eq!(acquire(holder, 99).await.unwrap(), Acquire::Held(first.clone()));
        }
        assert_eq!(store.lease_get(scope, at(99)).await.unwrap(), Some(first));
        assert_eq!(store.lease_get(scope, at(100)).await.unwrap(), None);
        assert_eq!(acquire("two", 100).await.unwrap(), Acquire::Acquired(lease(scope, "two", 200, 2)));
    }
    let refused = store.lease_acquire("s", "one", Duration::from_micros(999), at(0)).await;
    assert!(matches!(refused, Err(StoreError::InvalidInput(_))), "LEASE-4");
}

/// LEASE-5, LEASE-6.
pub(crate) async fn term_is_renewed_and_released_by_its_holder_and_token_alone<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    store.lease_acquire("s", "one", TTL, at(0)).await.unwrap();
    let renew = |holder, token, now| store.lease_renew("s", holder, token, TTL, at(now));
    assert_eq!(renew("two", 1, 50).await.unwrap(), None);
    assert_eq!(renew("one", 2, 50).await.unwrap(), None);
    assert_eq!(renew("one", 1, 99).await.unwrap(), Some(at(199)));
    assert_eq!(renew("one", 1, 199).await.unwrap(), None, "the term is over");
    assert!(!store.lease_release("s", "two", 1).await.unwrap());
    assert!(!store.lease_release("s", "one", 9).await.unwrap());
    assert!(store.lease_release("s", "one", 1).await.unwrap());
    assert!(!store.lease_release("s", "one", 1).await.unwrap());
    assert_eq!(renew("one", 1, 150).await.unwrap(), None, "it was given up");
    let next = store.lease_acquire("s", "two", TTL, at(150)).await.unwrap();
    assert_eq!(next, Acquire::Acquired(lease("s", "two", 250, 2)));
    assert!(!store.lease_release("s", "one", 1).await.unwrap(), "an old token ends nothing");
}

/// LEASE-1.
pub(crate) async fn one_of_many_acquires<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let attempts = (0..64).map(|number| {
        let store = store.clone();
        tokio::spawn(async move { store.lease_acquire("s", &number.to_string(), TTL, at(0)).await.unwrap() })
    });
    let mut leaders = Vec::new();
    for attempt in attempts.collect::<Vec<_>>() {
        if let Acquire::Acquired(lease) = attempt.await.unwrap() {
            leaders.push(lease);
        }
    }
    assert_eq!(leaders.len(), 1);
    assert_eq!(store.lease_list(at(1)).await.unwrap(), leaders);
}

/// LEASE-3, LEASE-7, STORE-8.
pub(crate) async fn tokens_continue_after_reopening<H: Harness>() {
    let mut harness = H::start().await;
    for scope in ["b", "a"] {
        harness.store().lease_acquire(scope, "one", TTL, at(0)).await.unwrap();
    }
    harness.store().lease_release("a", "one", 1).await.unwrap();
    harness.reopen().await;
    let store = harness.store();
    assert_eq!(store.lease_list(at(99)).await.unwrap(), [lease("b", "one", 100, 1)]);
    store.lease_acquire("a", "two", TTL, at(5)).await.unwrap();
    assert_eq!(
        store.lease_list(at(99)).await.unwrap(),
        [lease("a", "two", 105, 2), lease("b", "one", 100, 1)]
    );
}

pub(super) fn assert_fenced<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    match result {
        Err(StoreError::Unavailable { outcome: Outcome::NotApplied, reason, .. }) => {
            assert!(reason.contains("a later term has begun"), "{reason}");
        }
        other => panic!("{other:?} is not refused"),
    }
}

/// LEASE-8: a holder that was paused beyond its term, and does not know it, changes nothing.
pub(crate) async fn handle_of_a_term_that_is_over_changes_nothing<H: Harness>() {
    let harness = H::start().await;
    let (old, new, third) = (harness.store(), harness.second().await, harness.second().await);
    old.lease_acquire("role", "one", TTL, at(0)).await.unwrap();
    old.lease_fence("role", 1).await.unwrap();
    let task = old.task_create(any_task(), at(0)).await.unwrap();
    new.lease_acquire("role", "two", TTL, at(100)).await.unwrap();
    new.lease_fence("role", 2).await.unwrap();
    assert_fenced(old.task_create(any_task(), at(0)).await);
    assert_fenced(old.task_put(task.clone()).await);
    assert_fenced(old.task_prune(at(i64::MAX), 9).await);
    assert_fenced(old.index_delete(&index("films"), &physical("films")).await);
    assert_fenced(old.node_settings_advance(&physical("films"), &node("n"), 1, at(0)).await);
    assert_fenced(old.task_put_with(task.clone(), Consequences::default()).await);
    assert_fenced(old.change_cursor_advance("sink", &index("films"), 1, at(0)).await);
    assert_fenced(old.job_claim("one", at(9), at(0)).await);
    assert_fenced(old.canary_delete("c").await);
    assert_fenced(old.session_delete("s").await);
    assert_fenced(old.idempotency_release("k", "o").await);
    assert_fenced(old.scoped_key_observe(&index("films"), "i", 1, at(0)).await);
    assert_fenced(old.rate_limit_hit("k", 1, TTL, at(0)).await);
    assert_fenced(old.login_succeeded("a").await);
    assert_fenced(old.store_ping().await);
    assert_fenced(old.lease_fence("role", 1).await);
    assert_fenced(old.lease_acquire("other", "one", TTL, at(0)).await);
    for store in [&new, &third] {
        let before = store.task_get(task.uid).await.unwrap().unwrap();
        assert_eq!(store.task_put(before).await.unwrap(), Put::Stored, "it is not fenced off");
        store.store_ping().await.unwrap();
    }
    third.lease_fence("another role", 1).await.unwrap();
    third.store_ping().await.unwrap();
}
