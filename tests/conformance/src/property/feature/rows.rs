//! Aliases, canaries, tenants, policies and search pages.

use miroir_domain::alias::{Alias, AliasTarget};
use miroir_domain::canary::{Canary, CanaryRun, CanaryStatus};
use miroir_domain::rollover::RolloverPolicy;
use miroir_domain::search_ui::SearchUiConfig;
use miroir_domain::tenant::{ApiKeyHash, Tenant};
use miroir_domain::{GroupId, IndexUid, Timestamp};
use miroir_ports::outbound::TaskStore;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

use super::{STEP, body, compare, index, low, name};
use crate::property::{config, run};

/// One call of a port, or a restart.
#[derive(Debug, Clone)]
enum Call {
    AliasCreate(IndexUid, IndexUid),
    /// Replaces an alias as it was read, or at a version that may be wrong.
    AliasPut(IndexUid, IndexUid, Option<u64>),
    AliasPutBoth(IndexUid, IndexUid),
    AliasDelete(IndexUid),
    AliasList(Option<IndexUid>, u32),
    CanaryCreate(String, Value),
    CanaryPut(String, Value, u64),
    CanaryDelete(String),
    CanaryRun(String, i64, u32),
    CanaryList(Option<String>, u32),
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
    Reopen,
}

fn call() -> impl Strategy<Value = Call> {
    let after = || proptest::option::of(name());
    let after_index = || proptest::option::of(index());
    prop_oneof![
        1 => Just(Call::Reopen),
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

/// Calls `store` at `now` and returns the result as text, because values and errors alike must agree.
async fn result(store: &Arc<dyn TaskStore>, call: Call, now: Timestamp) -> String {
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
        Call::Reopen => String::new(),
    }
}

proptest! {
    #![proptest_config(config(32))]

    /// Checks every clause of aliases, canaries, tenants, policies and search pages that one caller can
    /// observe.
    #[test]
    fn rows_have_the_same_results(calls in vec((call(), STEP), 1..80)) {
        compare!(calls);
    }
}
