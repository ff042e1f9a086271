//! Histories of the tables that features keep: sessions, idempotency keys, jobs, leases and the rest.
//!
//! Names are few, so that calls meet; time only goes on, in steps that reach over the spans that are given.

use std::sync::Arc;
use std::time::Duration;

use miroir_domain::admin_session::AdminSession;
use miroir_domain::alias::{Alias, AliasTarget};
use miroir_domain::canary::{Canary, CanaryRun, CanaryStatus};
use miroir_domain::job::{JobEnd, NewJob};
use miroir_domain::rollover::RolloverPolicy;
use miroir_domain::search_ui::{ScopedKey, SearchUiConfig};
use miroir_domain::session::Session;
use miroir_domain::tenant::{ApiKeyHash, Tenant};
use miroir_domain::{GroupId, IndexUid, TaskUid, Timestamp};
use miroir_ports::outbound::{NewChange, Reservation, TaskStore};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Stores, config, run};
use crate::sample::any_task;

/// How far the clock goes on at each call, in milliseconds.
const STEP: std::ops::Range<u64> = 0..40;
/// The spans of what expires, in milliseconds.
const SPAN: std::ops::Range<u64> = 0..120;

/// One call of a port.
#[derive(Debug, Clone)]
enum Call {
    AliasCreate(IndexUid, IndexUid),
    /// Replaces an alias as it was read, or at a version that it may not have.
    AliasPut(IndexUid, IndexUid, Option<u64>),
    AliasPutBoth(IndexUid, IndexUid),
    AliasDelete(IndexUid),
    AliasList(Option<IndexUid>, u32),
    SessionPut(String, u64, u32),
    SessionTouch(String, u64),
    SessionGet(String),
    SessionDelete(String),
    SessionPurge(u32),
    Reserve(String, u8, String, u64),
    Complete(String, String, u32, u64),
    Release(String, String),
    JobEnqueue(String, u32),
    JobClaim(String, u64),
    JobBeat(String, u64, u64, Option<Value>),
    JobFinish(String, u64, JobEnd),
    JobCancel(String),
    JobDelete(String),
    JobList(Option<String>, u32),
    LeaseAcquire(String, String, u64),
    LeaseRenew(String, String, u64, u64),
    LeaseRelease(String, String, u64),
    CanaryCreate(String, Value),
    CanaryPut(String, Value, u64),
    CanaryDelete(String),
    CanaryRun(String, i64, u32),
    CanaryList(Option<String>, u32),
    CursorAdvance(String, IndexUid, u64),
    CursorList(String),
    Append(Vec<(String, IndexUid, Value)>, u64),
    Peek(String, IndexUid, u64, u32),
    Acknowledge(String, IndexUid, u64),
    TenantPut(u8, String, Option<u32>),
    TenantDelete(u8),
    TenantList(Option<u8>, u32),
    RolloverCreate(String, Value),
    RolloverPut(String, Value, u64),
    RolloverDelete(String),
    RolloverList(Option<String>, u32),
    SearchUiCreate(IndexUid, Value),
    SearchUiPut(IndexUid, Value, u64),
    SearchUiDelete(IndexUid),
    SearchUiList(Option<IndexUid>, u32),
    KeyRotate(IndexUid, u64),
    KeyRetire(IndexUid, u64),
    KeyObserve(IndexUid, String, u64),
    AdminCreate(String, u64),
    AdminRevoke(String),
    AdminGet(String),
    RateHit(String, u32, u64),
    Login(String),
    LoggedIn(String),
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "a", "_index", "__index", "z:b", "{é}"]).prop_map(str::to_owned)
}

fn index() -> impl Strategy<Value = IndexUid> {
    prop::sample::select(vec!["a", "_index", "B-2"]).prop_map(|uid| uid.parse().unwrap())
}

fn body() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![json!(null), json!({"a": [1, u64::MAX]}), json!("🎬 : \0"), json!([])])
}

fn low() -> std::ops::Range<u64> {
    0..4
}

fn rows() -> impl Strategy<Value = Call> {
    let after = || proptest::option::of(name());
    let after_index = || proptest::option::of(index());
    prop_oneof![
        3 => (index(), index()).prop_map(|(name, to)| Call::AliasCreate(name, to)),
        3 => (index(), index(), proptest::option::of(low())).prop_map(|(a, b, v)| Call::AliasPut(a, b, v)),
        1 => (index(), index()).prop_map(|(a, b)| Call::AliasPutBoth(a, b)),
        1 => index().prop_map(Call::AliasDelete),
        1 => (after_index(), 0..4_u32).prop_map(|(after, limit)| Call::AliasList(after, limit)),
        3 => (name(), body()).prop_map(|(id, body)| Call::CanaryCreate(id, body)),
        2 => (name(), body(), low()).prop_map(|(id, body, v)| Call::CanaryPut(id, body, v)),
        1 => name().prop_map(Call::CanaryDelete),
        3 => (name(), -3..5_i64, 0..4_u32).prop_map(|(id, at, keep)| Call::CanaryRun(id, at, keep)),
        1 => (after(), 0..4_u32).prop_map(|(after, limit)| Call::CanaryList(after, limit)),
        2 => (0..4_u8, name(), proptest::option::of(any::<u32>())).prop_map(|(k, t, g)| Call::TenantPut(k, t, g)),
        1 => (0..4_u8).prop_map(Call::TenantDelete),
        1 => (proptest::option::of(0..4_u8), 0..4_u32).prop_map(|(after, limit)| Call::TenantList(after, limit)),
        2 => (name(), body()).prop_map(|(id, body)| Call::RolloverCreate(id, body)),
        2 => (name(), body(), low()).prop_map(|(id, body, v)| Call::RolloverPut(id, body, v)),
        1 => name().prop_map(Call::RolloverDelete),
        1 => (after(), 0..4_u32).prop_map(|(after, limit)| Call::RolloverList(after, limit)),
        2 => (index(), body()).prop_map(|(uid, body)| Call::SearchUiCreate(uid, body)),
        2 => (index(), body(), low()).prop_map(|(uid, body, v)| Call::SearchUiPut(uid, body, v)),
        1 => index().prop_map(Call::SearchUiDelete),
        1 => (after_index(), 0..4_u32).prop_map(|(after, limit)| Call::SearchUiList(after, limit)),
    ]
}

fn work() -> impl Strategy<Value = Call> {
    let end = prop_oneof![
        Just(JobEnd::Succeeded),
        Just(JobEnd::Failed("f".to_owned())),
        Just(JobEnd::Retry("r".to_owned()))
    ];
    let events = vec((name(), index(), body()), 0..4);
    prop_oneof![
        4 => (name(), 0..4_u32).prop_map(|(id, attempts)| Call::JobEnqueue(id, attempts)),
        5 => (name(), SPAN).prop_map(|(by, span)| Call::JobClaim(by, span)),
        2 => (name(), low(), SPAN, proptest::option::of(body())).prop_map(|(id, t, s, p)| Call::JobBeat(id, t, s, p)),
        3 => (name(), low(), end).prop_map(|(id, token, end)| Call::JobFinish(id, token, end)),
        1 => name().prop_map(Call::JobCancel),
        1 => name().prop_map(Call::JobDelete),
        1 => (proptest::option::of(name()), 0..4_u32).prop_map(|(after, limit)| Call::JobList(after, limit)),
        4 => (events, 0..40_u64).prop_map(|(events, budget)| Call::Append(events, budget)),
        2 => (name(), index(), 0..6_u64, 0..4_u32).prop_map(|(s, i, after, limit)| Call::Peek(s, i, after, limit)),
        2 => (name(), index(), 0..6_u64).prop_map(|(sink, index, seq)| Call::Acknowledge(sink, index, seq)),
        2 => (name(), index(), prop_oneof![low(), Just(u64::MAX)]).prop_map(|(s, i, n)| Call::CursorAdvance(s, i, n)),
        1 => name().prop_map(Call::CursorList),
    ]
}

fn access() -> impl Strategy<Value = Call> {
    prop_oneof![
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

fn later(now: Timestamp, millis: u64) -> Timestamp {
    now.plus(Duration::from_millis(millis))
}

fn alias(name: IndexUid, to: IndexUid, version: u64, now: Timestamp) -> Alias {
    Alias { name, target: AliasTarget::Single(to), version, created_at: now, history: Vec::new() }
}

fn canary(id: String, body: Value, version: u64, now: Timestamp) -> Canary {
    Canary {
        name: id.clone(),
        id,
        index_uid: "films".parse().unwrap(),
        interval_s: 9,
        query: body.clone(),
        assertions: body,
        enabled: version.is_multiple_of(2),
        created_at: now,
        version,
    }
}

fn policy(name: String, body: Value, version: u64) -> RolloverPolicy {
    RolloverPolicy {
        pattern: name.clone(),
        name,
        write_alias: "w".parse().unwrap(),
        read_alias: "r".parse().unwrap(),
        triggers: body.clone(),
        retention: body.clone(),
        template: body,
        enabled: true,
        version,
    }
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

async fn row_answer(store: &Arc<dyn TaskStore>, call: Call, now: Timestamp) -> String {
    match call {
        Call::AliasCreate(name, to) => format!("{:?}", store.alias_create(&alias(name, to, 1, now)).await),
        Call::AliasPut(name, to, version) => {
            let stored = store.alias_get(&name).await.unwrap();
            let before = stored.unwrap_or_else(|| alias(name, to.clone(), 1, now));
            let version = version.unwrap_or(before.version);
            let row = Alias { version, ..before.flipped(AliasTarget::Multi(vec![to]), now, 2) };
            format!("{:?} {:?}", store.alias_put(&row).await, store.alias_get(&row.name).await)
        }
        Call::AliasPutBoth(one, other) => {
            let row = |name: IndexUid, to| alias(name, to, 1, now);
            let (first, second) = (row(one.clone(), other.clone()), row(other, one));
            format!("{:?}", store.alias_put_both(&first, &second).await)
        }
        Call::AliasDelete(name) => format!("{:?}", store.alias_delete(&name).await),
        Call::AliasList(after, limit) => format!("{:?}", store.alias_list(after, limit).await),
        Call::CanaryCreate(id, body) => format!("{:?}", store.canary_create(&canary(id, body, 1, now)).await),
        Call::CanaryPut(id, body, version) => {
            let put = store.canary_put(&canary(id.clone(), body, version, now)).await;
            format!("{put:?} {:?}", store.canary_get(&id).await)
        }
        Call::CanaryDelete(id) => format!("{:?}", store.canary_delete(&id).await),
        Call::CanaryRun(canary_id, at, keep) => {
            let run = CanaryRun {
                canary_id,
                ran_at: Timestamp::from_millis(at),
                status: CanaryStatus::Fail,
                latency_ms: now.as_millis().unsigned_abs(),
                failed_assertions: json!([at]),
            };
            let appended = store.canary_run_append(&run, keep).await;
            format!("{appended:?} {:?}", store.canary_run_list(&run.canary_id, 3).await)
        }
        Call::CanaryList(after, limit) => format!("{:?}", store.canary_list(after, limit).await),
        Call::TenantPut(key, tenant_id, group) => {
            let tenant =
                Tenant { api_key_hash: ApiKeyHash([key; 32]), tenant_id, group_id: group.map(GroupId) };
            format!("{:?} {:?}", store.tenant_put(&tenant).await, store.tenant_get(tenant.api_key_hash).await)
        }
        Call::TenantDelete(key) => format!("{:?}", store.tenant_delete(ApiKeyHash([key; 32])).await),
        Call::TenantList(after, limit) => {
            format!("{:?}", store.tenant_list(after.map(|key| ApiKeyHash([key; 32])), limit).await)
        }
        Call::RolloverCreate(name, body) => {
            format!("{:?}", store.rollover_create(&policy(name, body, 1)).await)
        }
        Call::RolloverPut(name, body, version) => {
            let put = store.rollover_put(&policy(name.clone(), body, version)).await;
            format!("{put:?} {:?}", store.rollover_get(&name).await)
        }
        Call::RolloverDelete(name) => format!("{:?}", store.rollover_delete(&name).await),
        Call::RolloverList(after, limit) => format!("{:?}", store.rollover_list(after, limit).await),
        Call::SearchUiCreate(index_uid, config) => {
            let row = SearchUiConfig { index_uid, config, updated_at: now, version: 1 };
            format!("{:?}", store.search_ui_create(&row).await)
        }
        Call::SearchUiPut(index_uid, config, version) => {
            let row = SearchUiConfig { index_uid, config, updated_at: now, version };
            format!("{:?} {:?}", store.search_ui_put(&row).await, store.search_ui_get(&row.index_uid).await)
        }
        Call::SearchUiDelete(uid) => format!("{:?}", store.search_ui_delete(&uid).await),
        Call::SearchUiList(after, limit) => format!("{:?}", store.search_ui_list(after, limit).await),
        other => panic!("{other:?} is no call of rows"),
    }
}

async fn work_answer(store: &Arc<dyn TaskStore>, call: Call, now: Timestamp) -> String {
    match call {
        Call::JobEnqueue(id, max_attempts) => {
            let job = NewJob { id, kind: "k".to_owned(), params: json!({}), max_attempts };
            format!("{:?} {:?}", store.job_enqueue(&job).await, store.job_depth().await)
        }
        Call::JobClaim(by, span) => {
            format!("{:?} {:?}", store.job_claim(&by, later(now, span), now).await, store.job_depth().await)
        }
        Call::JobBeat(id, token, span, progress) => {
            let beat = store.job_heartbeat(&id, token, progress, later(now, span), now).await;
            format!("{beat:?} {:?}", store.job_get(&id).await)
        }
        Call::JobFinish(id, token, end) => {
            format!("{:?} {:?}", store.job_finish(&id, token, end, now).await, store.job_get(&id).await)
        }
        Call::JobCancel(id) => format!("{:?} {:?}", store.job_cancel(&id).await, store.job_depth().await),
        Call::JobDelete(id) => format!("{:?}", store.job_delete(&id).await),
        Call::JobList(after, limit) => format!("{:?}", store.job_list(after, limit).await),
        Call::Append(events, budget) => {
            let task = store.task_create(any_task(), now).await.unwrap();
            let changes = events.into_iter().map(|(sink_name, index_uid, body)| NewChange {
                sink_name,
                index_uid,
                body,
            });
            format!("{:?}", store.change_append_with_task(task, changes.collect(), budget).await)
        }
        Call::Peek(sink, index, after, limit) => {
            let page = store.change_peek(&sink, &index, after, limit).await;
            format!("{page:?} {:?}", store.change_backlog(&sink).await)
        }
        Call::Acknowledge(sink, index, seq) => {
            let gone = store.change_acknowledge(&sink, &index, seq).await;
            format!("{gone:?} {:?}", store.change_backlog(&sink).await)
        }
        Call::CursorAdvance(sink, index, seq) => {
            let advance = store.change_cursor_advance(&sink, &index, seq, now).await;
            format!("{advance:?} {:?}", store.change_cursor_get(&sink, &index).await)
        }
        Call::CursorList(sink) => format!("{:?}", store.change_cursor_list(&sink).await),
        other => panic!("{other:?} is no call of work"),
    }
}

async fn access_answer(store: &Arc<dyn TaskStore>, call: Call, now: Timestamp) -> String {
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
        // Whether an ended session is still there to be deleted or purged is nobody's business.
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
        other => panic!("{other:?} is no call of access"),
    }
}

/// Makes the same calls on all stores, and compares what they answer with the model.
macro_rules! compare {
    ($calls:expr, $answer:ident) => {
        run(async {
            let stores = Stores::start().await;
            let mut now = Timestamp::from_millis(0);
            for (call, step) in $calls {
                now = later(now, step);
                let [model, others @ ..] = stores.all();
                let expected = $answer(&model, call.clone(), now).await;
                for (store, name) in others.iter().zip(["sqlite", "redis"]) {
                    let found = $answer(store, call.clone(), now).await;
                    prop_assert_eq!(found, expected.clone(), "{} at {}: {:?}", name, now, call);
                }
            }
            Ok(())
        })?
    };
}

proptest! {
    #![proptest_config(config(32))]

    /// Every clause of aliases, canaries, tenants, policies and search pages, as far as one caller can see.
    #[test]
    fn rows_get_the_same_answers(calls in vec((rows(), STEP), 1..80)) {
        compare!(calls, row_answer);
    }

    /// Every clause of jobs, cursors and the outbox, as far as one caller can see.
    #[test]
    fn work_gets_the_same_answers(calls in vec((work(), STEP), 1..80)) {
        compare!(calls, work_answer);
    }

    /// Every clause of sessions, idempotency, leases, keys, log-ins and limits, as far as one caller can see.
    #[test]
    fn access_gets_the_same_answers(calls in vec((access(), STEP), 1..80)) {
        compare!(calls, access_answer);
    }
}
