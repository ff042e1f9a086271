//! Sessions, idempotency keys, leases, scoped keys, log-ins and rate limits.

use std::sync::Arc;
use std::time::Duration;

use miroir_domain::admin_session::AdminSession;
use miroir_domain::search_ui::ScopedKey;
use miroir_domain::session::Session;
use miroir_domain::{IndexUid, TaskUid, Timestamp};
use miroir_ports::outbound::{Reservation, TaskStore};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{SPAN, STEP, compare, index, later, low, name};
use crate::property::{config, run};

/// One call of a port, or a restart.
#[derive(Debug, Clone)]
enum Call {
    SessionPut(String, u64, u32),
    SessionTouch(String, u64),
    SessionGet(String),
    SessionDelete(String),
    SessionPurge(u32),
    Reserve(String, u8, String, u64),
    Complete(String, String, u32, u64),
    Release(String, String),
    LeaseAcquire(String, String, u64),
    LeaseRenew(String, String, u64, u64),
    LeaseRelease(String, String, u64),
    KeyRotate(IndexUid, u64),
    KeyRetire(IndexUid, u64),
    KeyObserve(IndexUid, String, u64),
    AdminCreate(String, u64),
    AdminRevoke(String),
    AdminGet(String),
    RateHit(String, u32, u64),
    Login(String),
    LoggedIn(String),
    Reopen,
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        1 => Just(Call::Reopen),
        4 => (name(), SPAN, 0..4_u32).prop_map(|(id, span, most)| Call::SessionPut(id, span, most)),
        2 => (name(), SPAN).prop_map(|(id, span)| Call::SessionTouch(id, span)),
        2 => name().prop_map(Call::SessionGet),
        1 => name().prop_map(Call::SessionDelete),
        1 => (0..3_u32).prop_map(Call::SessionPurge),
        4 => (name(), 0..2_u8, name(), SPAN).prop_map(|(k, b, o, s)| Call::Reserve(k, b, o, s)),
        3 => (name(), name(), 0..3_u32, SPAN).prop_map(|(k, o, t, s)| Call::Complete(k, o, t, s)),
        1 => (name(), name()).prop_map(|(key, owner)| Call::Release(key, owner)),
        3 => (name(), name(), SPAN).prop_map(|(scope, holder, ttl)| Call::LeaseAcquire(scope, holder, ttl)),
        2 => (name(), name(), low(), SPAN).prop_map(|(s, h, t, ttl)| Call::LeaseRenew(s, h, t, ttl)),
        1 => (name(), name(), low()).prop_map(|(scope, holder, token)| Call::LeaseRelease(scope, holder, token)),
        2 => (index(), low()).prop_map(|(index, generation)| Call::KeyRotate(index, generation)),
        1 => (index(), low()).prop_map(|(index, generation)| Call::KeyRetire(index, generation)),
        2 => (index(), name(), low()).prop_map(|(index, instance, n)| Call::KeyObserve(index, instance, n)),
        3 => (name(), SPAN).prop_map(|(id, span)| Call::AdminCreate(id, span)),
        1 => name().prop_map(Call::AdminRevoke),
        2 => name().prop_map(Call::AdminGet),
        3 => (name(), 0..4_u32, SPAN).prop_map(|(key, limit, window)| Call::RateHit(key, limit, window)),
        3 => name().prop_map(Call::Login),
        1 => name().prop_map(Call::LoggedIn),
    ]
}

fn admin(id: String, now: Timestamp, expires_at: Timestamp) -> AdminSession {
    AdminSession {
        csrf_token: id.clone(),
        session_id: id,
        admin_key_hash: [3; 32],
        created_at: now,
        expires_at,
        revoked: false,
        user_agent: None,
        source_ip: Some("::1".to_owned()),
    }
}

/// Calls `store` at `now` and returns the result as text, because values and errors alike must agree.
async fn result(store: &Arc<dyn TaskStore>, call: Call, now: Timestamp) -> String {
    match call {
        Call::SessionPut(session_id, span, most) => {
            let session = Session {
                session_id,
                last_write: Some(TaskUid(7)),
                last_write_at: Some(now),
                pinned_group: None,
                min_settings_version: Some(u64::MAX),
                expires_at: later(now, span),
            };
            format!("{:?} {:?}", store.session_put(&session, most, now).await, store.session_count(now).await)
        }
        Call::SessionTouch(id, span) => {
            let touched = store.session_touch(&id, later(now, span), now).await;
            format!("{touched:?} {:?}", store.session_get(&id, now).await)
        }
        Call::SessionGet(id) => format!("{:?}", store.session_get(&id, now).await),
        // Stores may differ in whether an expired session is still there to be deleted or purged.
        Call::SessionDelete(id) => {
            let there = store.session_get(&id, now).await.unwrap().is_some();
            let deleted = store.session_delete(&id).await.unwrap();
            format!("{}", there && deleted)
        }
        Call::SessionPurge(limit) => {
            store.session_purge(now, limit).await.unwrap();
            format!("{:?}", store.session_count(now).await)
        }
        Call::Reserve(key, body, owner, span) => {
            let expires_at = later(now, span);
            let reservation = Reservation { key, body_sha256: [body; 32], owner, expires_at };
            format!("{:?}", store.idempotency_reserve(&reservation, now).await)
        }
        Call::Complete(key, owner, task, span) => {
            let until = later(now, span);
            format!("{:?}", store.idempotency_complete(&key, &owner, TaskUid(task), until, now).await)
        }
        Call::Release(key, owner) => format!("{:?}", store.idempotency_release(&key, &owner).await),
        Call::LeaseAcquire(scope, holder, ttl) => {
            format!("{:?}", store.lease_acquire(&scope, &holder, Duration::from_millis(ttl), now).await)
        }
        Call::LeaseRenew(scope, holder, token, ttl) => {
            let renewed = store.lease_renew(&scope, &holder, token, Duration::from_millis(ttl), now).await;
            format!("{renewed:?} {:?}", store.lease_list(now).await)
        }
        Call::LeaseRelease(scope, holder, token) => {
            format!(
                "{:?} {:?}",
                store.lease_release(&scope, &holder, token).await,
                store.lease_get(&scope, now).await
            )
        }
        Call::KeyRotate(index_uid, generation) => {
            let key = ScopedKey {
                index_uid,
                primary_uid: generation.to_string(),
                previous_uid: Some("p".to_owned()),
                rotated_at: now,
                generation,
            };
            format!(
                "{:?} {:?}",
                store.scoped_key_rotate(&key).await,
                store.scoped_key_get(&key.index_uid).await
            )
        }
        Call::KeyRetire(index, generation) => {
            let retired = store.scoped_key_retire(&index, generation).await;
            format!("{retired:?} {:?}", store.scoped_key_get(&index).await)
        }
        Call::KeyObserve(index, instance, generation) => {
            let observed = store.scoped_key_observe(&index, &instance, generation, now).await;
            format!("{observed:?} {:?}", store.scoped_key_observations(&index, now).await)
        }
        Call::AdminCreate(id, span) => {
            format!("{:?}", store.admin_session_create(&admin(id, now, later(now, span)), now).await)
        }
        Call::AdminRevoke(id) => format!("{:?}", store.admin_session_revoke(&id, now).await),
        Call::AdminGet(id) => format!("{:?}", store.admin_session_get(&id, now).await),
        Call::RateHit(key, limit, window) => {
            format!("{:?}", store.rate_limit_hit(&key, limit, Duration::from_millis(window), now).await)
        }
        Call::Login(address) => format!("{:?}", store.login_attempt(&address, now).await),
        Call::LoggedIn(address) => format!("{:?}", store.login_succeeded(&address).await),
        Call::Reopen => String::new(),
    }
}

proptest! {
    #![proptest_config(config(32))]

    /// Checks every clause of sessions, idempotency keys, leases, scoped keys, log-ins and rate limits that
    /// one caller can observe.
    #[test]
    fn access_has_the_same_results(calls in vec((call(), STEP), 1..80)) {
        compare!(calls);
    }
}
