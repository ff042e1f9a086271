//! Table 5, `idempotency_cache`.

use miroir_domain::TaskUid;
use miroir_ports::outbound::{Reservation, Reserve, StoreError};

use crate::harness::Harness;
use crate::sample::at;

fn reservation(key: &str, body: u8, owner: &str, expires_at: i64) -> Reservation {
    Reservation {
        key: key.to_owned(),
        body_sha256: [body; 32],
        owner: owner.to_owned(),
        expires_at: at(expires_at),
    }
}

/// IDEMP-3, IDEMP-5.
pub(crate) async fn completed_request_returns_its_task_again<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    for key in ["", "a:b{c}", "nul\0🎬"] {
        let first = reservation(key, 1, "one", 100);
        assert_eq!(store.idempotency_reserve(&first, at(0)).await.unwrap(), Reserve::Reserved);
        let again = reservation(key, 1, "two", 200);
        let in_progress = Reserve::InProgress { expires_at: at(100) };
        assert_eq!(store.idempotency_reserve(&again, at(99)).await.unwrap(), in_progress);
        let other = reservation(key, 2, "two", 200);
        assert_eq!(store.idempotency_reserve(&other, at(99)).await.unwrap(), Reserve::Mismatch);
        let complete = |owner, task| store.idempotency_complete(key, owner, TaskUid(task), at(500), at(99));
        assert!(!complete("two", 7).await.unwrap(), "not its owner");
        assert!(complete("one", u32::MAX).await.unwrap() && complete("one", u32::MAX).await.unwrap());
        assert!(!complete("one", 8).await.unwrap(), "it was completed with another task");
        let completed = Reserve::Completed(TaskUid(u32::MAX));
        assert_eq!(store.idempotency_reserve(&again, at(199)).await.unwrap(), completed);
        assert_eq!(store.idempotency_reserve(&other, at(199)).await.unwrap(), Reserve::Mismatch);
        assert!(!store.idempotency_release(key, "one").await.unwrap(), "IDEMP-6");
    }
}

/// IDEMP-2, IDEMP-5: an owner that was too slow can neither complete nor release a key that another has taken
/// over.
pub(crate) async fn expired_reservation_is_taken_over_to_the_millisecond<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    store.idempotency_reserve(&reservation("k", 1, "slow", 100), at(0)).await.unwrap();
    let next = reservation("k", 2, "next", 200);
    assert_eq!(store.idempotency_reserve(&next, at(99)).await.unwrap(), Reserve::Mismatch);
    assert!(!store.idempotency_complete("k", "slow", TaskUid(1), at(900), at(100)).await.unwrap());
    assert_eq!(store.idempotency_reserve(&next, at(100)).await.unwrap(), Reserve::Reserved);
    assert!(!store.idempotency_complete("k", "slow", TaskUid(1), at(900), at(101)).await.unwrap());
    assert!(!store.idempotency_release("k", "slow").await.unwrap());
    assert!(store.idempotency_release("k", "next").await.unwrap());
    assert_eq!(
        store.idempotency_reserve(&reservation("k", 3, "x", 300), at(101)).await.unwrap(),
        Reserve::Reserved
    );
    let late = reservation("late", 3, "x", 100);
    assert!(matches!(store.idempotency_reserve(&late, at(100)).await, Err(StoreError::InvalidInput(_))));
}

/// IDEMP-1.
pub(crate) async fn one_of_many_reservations_wins<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    let attempts = (0..64).map(|number| {
        let store = store.clone();
        let reservation = reservation("k", 1, &number.to_string(), 100);
        tokio::spawn(async move { store.idempotency_reserve(&reservation, at(0)).await.unwrap() })
    });
    let mut reserved = 0;
    for attempt in attempts.collect::<Vec<_>>() {
        match attempt.await.unwrap() {
            Reserve::Reserved => reserved += 1,
            other => assert_eq!(other, Reserve::InProgress { expires_at: at(100) }),
        }
    }
    assert_eq!(reserved, 1);
}

/// IDEMP-7.
pub(crate) async fn purge_removes_expired_keys_alone<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    for (key, expires_at) in [("a", 10), ("b", 11), ("c", 12)] {
        store.idempotency_reserve(&reservation(key, 1, "o", expires_at), at(0)).await.unwrap();
    }
    assert_eq!(store.idempotency_purge(at(11), 1).await.unwrap(), H::purged(1));
    assert_eq!(store.idempotency_purge(at(11), 9).await.unwrap(), H::purged(1));
    assert!(store.idempotency_release("c", "o").await.unwrap());
}
