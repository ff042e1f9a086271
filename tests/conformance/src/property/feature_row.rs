//! Random rows of the features' tables.

use miroir_domain::admin_session::AdminSession;
use miroir_domain::alias::{Alias, AliasState, AliasTarget};
use miroir_domain::canary::{Canary, CanaryRun, CanaryStatus};
use miroir_domain::rollover::RolloverPolicy;
use miroir_domain::search_ui::SearchUiConfig;
use miroir_domain::session::Session;
use miroir_domain::settings::{CommittedSettings, Proposal, SealedSettings};
use miroir_domain::tenant::{ApiKeyHash, Tenant};
use miroir_domain::{GroupId, Timestamp};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::strategy::{index_uid, json, physical_uid, task_uid, text, time};

/// Generates versions that a row can have and still be replaced.
fn version() -> impl Strategy<Value = u64> {
    prop_oneof![3 => 0..9_u64, 1 => 0..u64::MAX]
}

/// Generates instants after the first instant of these tests.
pub fn future() -> impl Strategy<Value = Timestamp> {
    prop_oneof![3 => 1..99_i64, 1 => 1..i64::MAX].prop_map(Timestamp::from_millis)
}

fn target() -> impl Strategy<Value = AliasTarget> {
    prop_oneof![
        index_uid().prop_map(AliasTarget::Single),
        vec(index_uid(), 0..4).prop_map(AliasTarget::Multi)
    ]
}

/// Generates aliases with a history.
pub fn alias() -> impl Strategy<Value = Alias> {
    let state = (target(), any::<u64>(), time()).prop_map(|(target, version, ended_at)| AliasState {
        target,
        version,
        ended_at,
    });
    (index_uid(), target(), version(), time(), vec(state, 0..4)).prop_map(
        |(name, target, version, created_at, history)| Alias { name, target, version, created_at, history },
    )
}

/// Generates canaries.
pub fn canary() -> impl Strategy<Value = Canary> {
    let names = (text(), text(), index_uid());
    (names, any::<u32>(), (json(), json()), any::<bool>(), time(), version()).prop_map(
        |((id, name, index_uid), interval_s, (query, assertions), enabled, created_at, version)| Canary {
            id,
            name,
            index_uid,
            interval_s,
            query,
            assertions,
            enabled,
            created_at,
            version,
        },
    )
}

/// Generates runs. Their canary is filled in by the test.
pub fn run_of() -> impl Strategy<Value = CanaryRun> {
    let status = proptest::sample::select(CanaryStatus::ALL.to_vec());
    (time(), status, any::<u64>(), json()).prop_map(|(ran_at, status, latency_ms, failed_assertions)| {
        CanaryRun { canary_id: String::new(), ran_at, status, latency_ms, failed_assertions }
    })
}

/// Generates rollover policies.
pub fn policy() -> impl Strategy<Value = RolloverPolicy> {
    let names = (text(), index_uid(), index_uid(), text());
    (names, (json(), json(), json()), any::<bool>(), version()).prop_map(
        |((name, write_alias, read_alias, pattern), (triggers, retention, template), enabled, version)| {
            RolloverPolicy {
                name,
                write_alias,
                read_alias,
                pattern,
                triggers,
                retention,
                template,
                enabled,
                version,
            }
        },
    )
}

/// Generates configurations of search pages.
pub fn search_ui() -> impl Strategy<Value = SearchUiConfig> {
    (index_uid(), json(), time(), version()).prop_map(|(index_uid, config, updated_at, version)| {
        SearchUiConfig { index_uid, config, updated_at, version }
    })
}

/// Generates settings as they are stored.
fn sealed() -> impl Strategy<Value = SealedSettings> {
    (btree_map(text(), json(), 0..4), btree_map(text(), text(), 0..3))
        .prop_map(|(settings, secrets)| SealedSettings { settings: settings.into_iter().collect(), secrets })
}

/// Generates rows of committed settings.
pub fn committed_settings() -> impl Strategy<Value = CommittedSettings> {
    let proposal = (task_uid(), any::<u64>(), sealed(), any::<bool>()).prop_map(
        |(task, settings_version, change, succeeded)| Proposal { task, settings_version, change, succeeded },
    );
    let versions = (version(), any::<u64>(), any::<u64>());
    (physical_uid(), versions, option::of(sealed()), vec(proposal, 0..4), time()).prop_map(
        |(index, (version, settings_version, known_version), settings, proposals, updated_at)| {
            CommittedSettings {
                index,
                version,
                settings_version,
                known_version,
                settings,
                proposals,
                updated_at,
            }
        },
    )
}

/// Generates tenants.
pub fn tenant() -> impl Strategy<Value = Tenant> {
    (any::<[u8; 32]>(), text(), option::of(any::<u32>())).prop_map(|(hash, tenant_id, group)| Tenant {
        api_key_hash: ApiKeyHash(hash),
        tenant_id,
        group_id: group.map(GroupId),
    })
}

/// Generates sessions that have not expired.
pub fn session() -> impl Strategy<Value = Session> {
    let write = (option::of(task_uid()), option::of(time()));
    (text(), write, option::of(any::<u32>()), option::of(any::<u64>()), future()).prop_map(
        |(session_id, (last_write, last_write_at), group, min_settings_version, expires_at)| Session {
            session_id,
            last_write,
            last_write_at,
            pinned_group: group.map(GroupId),
            min_settings_version,
            expires_at,
        },
    )
}

/// Generates admin sessions that have not expired.
pub fn admin_session() -> impl Strategy<Value = AdminSession> {
    let from = (option::of(text()), option::of(text()));
    (text(), text(), any::<[u8; 32]>(), time(), future(), from).prop_map(
        |(session_id, csrf_token, admin_key_hash, created_at, expires_at, (user_agent, source_ip))| {
            AdminSession {
                session_id,
                csrf_token,
                admin_key_hash,
                created_at,
                expires_at,
                revoked: false,
                user_agent,
                source_ip,
            }
        },
    )
}
