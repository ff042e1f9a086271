//! Features' tables, one at a time: any row reads back as written, and lists contain it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use miroir_domain::job::{Job, JobEnd, NewJob};
use miroir_domain::search_ui::ScopedKey;
use miroir_domain::settings::CommittedSettings;
use miroir_domain::tenant::Tenant;
use miroir_ports::outbound::{
    Acquire, Consequences, Create, LoginAttempt, NewChange, Put, Reservation, Reserve,
};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;

use super::feature_row::{
    admin_session, alias, canary, committed_settings, future, policy, run_of, search_ui, session, tenant,
};
use super::strategy::{index_uid, json, task_uid, text, time};
use super::{Stores, config, run};
use crate::sample::{any_task, at};

/// Creates, replaces, reads and lists versioned rows on every store.
macro_rules! versioned {
    ($rows:expr, $step:expr, $key:ident, $create:ident, $get:ident, $put:ident, $list:ident) => {
        run(async {
            let stores = Stores::start().await;
            for store in stores.all() {
                let mut kept = BTreeMap::new();
                for row in $rows.clone() {
                    let taken = kept.contains_key(&row.$key);
                    let expected = if taken { Create::Exists } else { Create::Created };
                    prop_assert_eq!(store.$create(&row).await.unwrap(), expected);
                    if taken {
                        continue;
                    }
                    prop_assert_eq!(store.$get(&row.$key).await.unwrap(), Some(row.clone()));
                    prop_assert_eq!(store.$put(&row).await.unwrap(), Put::Stored);
                    let mut raised = row;
                    raised.version += 1;
                    prop_assert_eq!(store.$get(&raised.$key).await.unwrap(), Some(raised.clone()));
                    kept.insert(raised.$key.clone(), raised);
                }
                let (mut listed, mut after) = (Vec::new(), None);
                loop {
                    let page = store.$list(after, $step).await.unwrap();
                    let Some(last) = page.last() else { break };
                    after = Some(last.$key.clone());
                    listed.extend(page);
                }
                prop_assert_eq!(listed, kept.into_values().collect::<Vec<_>>());
            }
            Ok(())
        })?
    };
}

proptest! {
    #![proptest_config(config(24))]

    /// STORE-4, ALIAS-1, ALIAS-2, ALIAS-4.
    #[test]
    fn aliases_read_back_and_are_listed(rows in vec(alias(), 1..6), step in 1..4_u32) {
        versioned!(rows, step, name, alias_create, alias_get, alias_put, alias_list);
    }

    /// STORE-4, CANARY-1, CANARY-2, CANARY-4.
    #[test]
    fn canaries_read_back_and_are_listed(rows in vec(canary(), 1..6), step in 1..4_u32) {
        versioned!(rows, step, id, canary_create, canary_get, canary_put, canary_list);
    }

    /// STORE-4, ROLLOVER-1, ROLLOVER-2, ROLLOVER-3.
    #[test]
    fn policies_read_back_and_are_listed(rows in vec(policy(), 1..6), step in 1..4_u32) {
        versioned!(rows, step, name, rollover_create, rollover_get, rollover_put, rollover_list);
    }

    /// STORE-4, SEARCHUI-1, SEARCHUI-2, SEARCHUI-3.
    #[test]
    fn search_pages_read_back_and_are_listed(rows in vec(search_ui(), 1..6), step in 1..4_u32) {
        versioned!(rows, step, index_uid, search_ui_create, search_ui_get, search_ui_put, search_ui_list);
    }

    /// STORE-4, SETTINGS-1, SETTINGS-3, SETTINGS-4.
    #[test]
    fn committed_settings_read_back(rows in vec(committed_settings(), 1..6)) {
        run(async {
            let stores = Stores::start().await;
            for store in stores.all() {
                let mut kept = BTreeMap::new();
                for row in rows.clone() {
                    store.settings_replace(&row).await.unwrap();
                    prop_assert_eq!(store.settings_get(&row.index).await.unwrap(), Some(row.clone()));
                    prop_assert_eq!(store.settings_put(&row).await.unwrap(), Put::Stored);
                    let raised = CommittedSettings { version: row.version + 1, ..row };
                    kept.insert(raised.index.clone(), raised);
                }
                for (index, row) in kept {
                    prop_assert_eq!(store.settings_get(&index).await.unwrap(), Some(row));
                    prop_assert!(store.settings_forget(&index).await.unwrap());
                    prop_assert_eq!(store.settings_get(&index).await.unwrap(), None);
                }
            }
            Ok(())
        })?;
    }

    /// STORE-4, TENANT-1.
    #[test]
    fn tenants_read_back_and_are_listed(rows in vec(tenant(), 1..8), step in 1..4_u32) {
        run(async {
            let stores = Stores::start().await;
            for store in stores.all() {
                let mut kept = BTreeMap::new();
                for row in rows.clone() {
                    store.tenant_put(&row).await.unwrap();
                    prop_assert_eq!(store.tenant_get(row.api_key_hash).await.unwrap(), Some(row.clone()));
                    kept.insert(row.api_key_hash, row);
                }
                let mut listed: Vec<Tenant> = Vec::new();
                loop {
                    let after = listed.last().map(|row| row.api_key_hash);
                    let page = store.tenant_list(after, step).await.unwrap();
                    if page.is_empty() {
                        break;
                    }
                    listed.extend(page);
                }
                prop_assert_eq!(listed, kept.into_values().collect::<Vec<_>>());
            }
            Ok(())
        })?;
    }

    /// STORE-4, CANARY-5, CANARY-6.
    #[test]
    fn newest_runs_read_back(canary in canary(), runs in vec(run_of(), 1..8), keep in 1..6_u32) {
        run(async {
            let stores = Stores::start().await;
            for store in stores.all() {
                store.canary_create(&canary).await.unwrap();
                let mut kept = BTreeMap::new();
                for mut run in runs.clone() {
                    run.canary_id.clone_from(&canary.id);
                    prop_assert!(store.canary_run_append(&run, keep).await.unwrap());
                    kept.insert(run.ran_at, run);
                    while kept.len() > keep as usize {
                        kept.pop_first();
                    }
                    let expected: Vec<_> = kept.values().rev().cloned().collect();
                    prop_assert_eq!(store.canary_run_list(&canary.id, u32::MAX).await.unwrap(), expected);
                }
            }
            Ok(())
        })?;
    }

    /// STORE-4, SESSION-1.
    #[test]
    fn sessions_read_back(rows in vec(session(), 1..6)) {
        run(async {
            let stores = Stores::start().await;
            for store in stores.all() {
                for row in &rows {
                    store.session_put(row, 99, at(0)).await.unwrap();
                    let found = store.session_get(&row.session_id, at(0)).await.unwrap();
                    prop_assert_eq!(found.as_ref(), Some(row));
                }
                let ids: BTreeSet<_> = rows.iter().map(|row| &row.session_id).collect();
                prop_assert_eq!(store.session_count(at(0)).await.unwrap(), ids.len() as u64);
            }
            Ok(())
        })?;
    }

    /// STORE-4, ADMIN-1, ADMIN-2.
    #[test]
    fn admin_sessions_read_back(rows in vec(admin_session(), 1..6)) {
        run(async {
            let stores = Stores::start().await;
            for store in stores.all() {
                let mut kept = BTreeMap::new();
                for row in rows.clone() {
                    let taken = kept.contains_key(&row.session_id);
                    let expected = if taken { Create::Exists } else { Create::Created };
                    prop_assert_eq!(store.admin_session_create(&row, at(0)).await.unwrap(), expected);
                    kept.entry(row.session_id.clone()).or_insert(row);
                }
                for (id, row) in kept {
                    prop_assert_eq!(store.admin_session_get(&id, at(0)).await.unwrap(), Some(row));
                }
            }
            Ok(())
        })?;
    }

    /// STORE-4, IDEMP-3, IDEMP-5.
    #[test]
    fn completed_requests_read_back(
        key in text(),
        owner in text(),
        body in any::<[u8; 32]>(),
        task in task_uid(),
        until in future(),
    ) {
        run(async {
            let stores = Stores::start().await;
            let reservation =
                Reservation { key: key.clone(), body_sha256: body, owner: owner.clone(), expires_at: until };
            for store in stores.all() {
                prop_assert_eq!(store.idempotency_reserve(&reservation, at(0)).await.unwrap(), Reserve::Reserved);
                let in_progress = Reserve::InProgress { expires_at: until };
                prop_assert_eq!(store.idempotency_reserve(&reservation, at(0)).await.unwrap(), in_progress);
                prop_assert!(store.idempotency_complete(&key, &owner, task, until, at(0)).await.unwrap());
                let completed = Reserve::Completed(task);
                prop_assert_eq!(store.idempotency_reserve(&reservation, at(0)).await.unwrap(), completed);
            }
            Ok(())
        })?;
    }

    /// STORE-4, JOB-1, JOB-9.
    #[test]
    fn jobs_read_back_and_are_listed(
        jobs in vec((text(), text(), json(), 1..u32::MAX), 1..6),
        progress in json(),
        words in text(),
    ) {
        run(async {
            let stores = Stores::start().await;
            for store in stores.all() {
                let mut kept = BTreeMap::new();
                for (id, kind, params, max_attempts) in jobs.clone() {
                    let new = NewJob { id: id.clone(), kind, params, max_attempts };
                    let expected = if kept.contains_key(&id) { Create::Exists } else { Create::Created };
                    prop_assert_eq!(store.job_enqueue(&new).await.unwrap(), expected);
                    kept.entry(id).or_insert(new.into_job());
                }
                let listed = store.job_list(None, u32::MAX).await.unwrap();
                prop_assert_eq!(listed, kept.into_values().collect::<Vec<_>>());
                let job = store.job_claim(&words, at(9), at(0)).await.unwrap().unwrap();
                let claim = job.claim.clone().unwrap();
                prop_assert_eq!(&claim.claimed_by, &words);
                prop_assert_eq!(store.job_get(&job.id).await.unwrap(), Some(job.clone()));
                let recorded = Some(progress.clone());
                prop_assert!(store.job_heartbeat(&job.id, claim.token, recorded.clone(), at(9), at(0)).await.unwrap());
                let end = JobEnd::Failed(words.clone());
                prop_assert!(store.job_finish(&job.id, claim.token, end.clone(), at(0)).await.unwrap());
                let ended = Job { progress: recorded, ..job.ended(end) };
                prop_assert_eq!(store.job_get(&ended.id).await.unwrap(), Some(ended.clone()));
            }
            Ok(())
        })?;
    }

    /// STORE-4, LEASE-7.
    #[test]
    fn leases_read_back_and_are_listed(terms in vec((text(), text()), 1..6)) {
        run(async {
            let stores = Stores::start().await;
            for store in stores.all() {
                let mut kept = BTreeMap::new();
                for (scope, holder) in terms.clone() {
                    match store.lease_acquire(&scope, &holder, Duration::from_secs(1), at(0)).await.unwrap() {
                        Acquire::Acquired(lease) => {
                            prop_assert_eq!((&lease.scope, &lease.holder), (&scope, &holder));
                            prop_assert_eq!(kept.insert(scope, lease), None);
                        }
                        Acquire::Held(lease) => prop_assert_eq!(kept.get(&scope), Some(&lease)),
                    }
                }
                let listed = store.lease_list(at(0)).await.unwrap();
                prop_assert_eq!(listed, kept.into_values().collect::<Vec<_>>());
            }
            Ok(())
        })?;
    }

    /// STORE-4, OUTBOX-2, CURSOR-1, CURSOR-2.
    #[test]
    fn events_and_cursors_read_back(
        sink in text(),
        index in index_uid(),
        bodies in vec(json(), 1..6),
        seq in any::<u64>(),
        now in time(),
    ) {
        run(async {
            let stores = Stores::start().await;
            for store in stores.all() {
                let task = store.task_create(any_task(), at(0)).await.unwrap();
                let event = |body: &serde_json::Value| NewChange {
                    sink_name: sink.clone(),
                    index_uid: index.clone(),
                    body: body.clone(),
                };
                let changes = bodies.iter().map(event).collect();
                let events = Consequences { changes, budget_bytes: u64::MAX, ..Consequences::default() };
                store.task_put_with(task, events).await.unwrap();
                let page = store.change_peek(&sink, &index, 0, u32::MAX).await.unwrap();
                let found: Vec<_> = page.changes.iter().map(|change| &change.body).collect();
                prop_assert_eq!(found, bodies.iter().collect::<Vec<_>>());
                prop_assert_eq!(page.last_seq, bodies.len() as u64);
                store.change_cursor_advance(&sink, &index, seq, now).await.unwrap();
                let cursor = store.change_cursor_get(&sink, &index).await.unwrap().unwrap();
                prop_assert_eq!((cursor.last_event_seq, cursor.updated_at), (seq, now));
                prop_assert_eq!(store.change_cursor_list(&sink).await.unwrap(), [cursor]);
            }
            Ok(())
        })?;
    }

    /// STORE-4, SCOPED-1, SCOPED-3.
    #[test]
    fn scoped_keys_and_observations_read_back(
        index_uid in index_uid(),
        primary_uid in text(),
        previous_uid in option::of(text()),
        rotated_at in time(),
        seen in vec((text(), any::<u64>()), 0..5),
    ) {
        run(async {
            let stores = Stores::start().await;
            let key = ScopedKey { index_uid, primary_uid, previous_uid, rotated_at, generation: 1 };
            for store in stores.all() {
                prop_assert_eq!(store.scoped_key_rotate(&key).await.unwrap(), Put::Stored);
                prop_assert_eq!(store.scoped_key_get(&key.index_uid).await.unwrap(), Some(key.clone()));
                let mut highest: BTreeMap<String, u64> = BTreeMap::new();
                for (instance, generation) in &seen {
                    store.scoped_key_observe(&key.index_uid, instance, *generation, at(0)).await.unwrap();
                    let known = highest.entry(instance.clone()).or_default();
                    *known = (*known).max(*generation);
                }
                let rows = store.scoped_key_observations(&key.index_uid, at(0)).await.unwrap();
                let found: Vec<_> = rows.into_iter().map(|row| (row.instance, row.generation)).collect();
                prop_assert_eq!(found, highest.into_iter().collect::<Vec<_>>());
            }
            Ok(())
        })?;
    }

    /// RATE-1, LOGIN-1: each key has a counter of its own, for any key.
    #[test]
    fn counters_are_separate_for_any_key(keys in btree_set(text(), 1..6)) {
        run(async {
            let stores = Stores::start().await;
            for store in stores.all() {
                for key in &keys {
                    let hit = store.rate_limit_hit(key, 2, Duration::from_secs(1), at(0)).await.unwrap();
                    prop_assert_eq!((hit.allowed, hit.remaining), (true, 1));
                    prop_assert_eq!(store.login_attempt(key, at(0)).await.unwrap(), LoginAttempt::Allowed);
                }
            }
            Ok(())
        })?;
    }
}
