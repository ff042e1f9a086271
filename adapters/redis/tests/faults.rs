//! Broken connections, servers that end, and damaged rows.

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use miroir_domain::TaskUid;
use miroir_domain::job::NewJob;
use miroir_domain::task::TaskQuery;
use miroir_ports::outbound::{
    Acquire, JobTable as _, LeaseTable as _, Outcome, Put, Revocation, RevocationFeed as _, StoreError,
    StoreStatus as _, TaskTable as _,
};
use miroir_redis::{RedisOptions, RedisStore};
use miroir_test_redis::RedisServer;
use serde_json::Value;
use support::proxy::{Cut, Proxy};
use support::{assert_unavailable, at, new_task, open};

async fn behind(proxy: &Proxy) -> RedisStore {
    let options =
        RedisOptions { response_timeout: Duration::from_millis(500), ..RedisOptions::new(proxy.url()) };
    RedisStore::open(options).await.unwrap()
}

async fn count(store: &RedisStore) -> u64 {
    store.task_list(&TaskQuery { limit: 0, ..TaskQuery::default() }).await.unwrap().total
}

#[tokio::test]
async fn write_that_is_cut_is_unknown_and_the_next_call_succeeds() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.address()).await;
    let store = behind(&proxy).await;
    // Loads the script, so that each write is one command.
    store.task_create(new_task("first"), at(1)).await.unwrap();
    for (cut, stored) in [(Cut::Before, 0), (Cut::After, 1), (Cut::Silence, 1)] {
        let before = count(&store).await;
        proxy.cut_next(cut);
        assert_unavailable(store.task_create(new_task("cut"), at(1)).await, Outcome::Unknown, "Redis");
        assert_eq!(count(&store).await, before + stored);
    }
}

#[tokio::test]
async fn conditional_write_that_was_cut_conflicts_when_repeated() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.address()).await;
    let store = behind(&proxy).await;
    let task = store.task_create(new_task("a"), at(1)).await.unwrap();
    assert_eq!(store.task_put(task.clone()).await.unwrap(), Put::Stored);
    let task = store.task_get(task.uid).await.unwrap().unwrap();
    proxy.cut_next(Cut::After);
    assert_unavailable(store.task_put(task.clone()).await, Outcome::Unknown, "Redis");
    assert_eq!(store.task_put(task).await.unwrap(), Put::Conflict);
}

#[tokio::test]
async fn read_is_tried_again_when_the_connection_breaks() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.address()).await;
    let store = behind(&proxy).await;
    let task = store.task_create(new_task("a"), at(1)).await.unwrap();
    for cut in [Cut::Before, Cut::After] {
        proxy.cut_next(cut);
        assert_eq!(store.task_get(task.uid).await.unwrap().as_ref(), Some(&task));
    }
    proxy.cut_next(Cut::Silence);
    assert_unavailable(store.task_get(task.uid).await, Outcome::NotApplied, "Redis");
    assert_eq!(store.task_get(task.uid).await.unwrap().as_ref(), Some(&task));
}

#[tokio::test]
async fn script_is_sent_again_after_the_server_forgot_it() {
    let server = RedisServer::start();
    let store = open(&server).await;
    for label in ["a", "b"] {
        let task = store.task_create(new_task(label), at(1)).await.unwrap();
        assert_eq!(store.task_put(task).await.unwrap(), Put::Stored);
        server.say(&["SCRIPT", "FLUSH"]);
    }
    assert_eq!(count(&store).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn durable_server_killed_under_load_keeps_acknowledged_writes() {
    let rounds = std::env::var("MIROIR_CRASH_ROUNDS").map_or(3, |rounds| rounds.parse().unwrap());
    let mut server = RedisServer::durable();
    let store = open(&server).await;
    let mut acknowledged: BTreeSet<(TaskUid, String)> = BTreeSet::new();
    for round in 0..rounds {
        let writers = (0..8).map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                for number in 0.. {
                    let label = format!("{round}-{writer}-{number}");
                    match store.task_create(new_task(&label), at(1)).await {
                        Ok(task) => acknowledged.push((task.uid, label)),
                        Err(StoreError::Unavailable { .. }) => break,
                        Err(other) => panic!("{other}"),
                    }
                }
                acknowledged
            })
        });
        let writers: Vec<_> = writers.collect();
        tokio::time::sleep(Duration::from_millis(150 + 37 * round)).await;
        server.kill();
        for writer in writers {
            acknowledged.extend(writer.await.unwrap());
        }
        assert_unavailable(store.store_ping().await, Outcome::NotApplied, "cannot connect");
        server.launch_again();
        // The same store recovers by itself.
        store.store_ping().await.unwrap();
        let everything = TaskQuery { limit: u32::MAX, ..TaskQuery::default() };
        let page = store.task_list(&everything).await.unwrap();
        assert_eq!(page.total, page.tasks.len() as u64);
        let labels: BTreeSet<_> =
            page.tasks.iter().map(|task| (task.uid, task.custom_metadata.clone().unwrap())).collect();
        assert_eq!(labels.len(), page.tasks.len());
        let lost: Vec<_> = acknowledged.difference(&labels).collect();
        assert!(lost.is_empty(), "{lost:?} were acknowledged and are lost");
    }
    println!("{} tasks were acknowledged in {rounds} rounds, and none was lost", acknowledged.len());
    assert!(acknowledged.len() > 50, "the server was killed before anything happened");
}

#[tokio::test]
async fn revocations_continue_after_an_interrupted_subscription() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let mut feed = store.revocations().await.unwrap();
    server.say(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    assert_eq!(feed.next().await, Some(Revocation::Missed), "it broke");
    server.say(&["PUBLISH", "miroir:admin_session:revoked", "missed"]);
    assert_eq!(feed.next().await, Some(Revocation::Missed), "it is there again");
    server.say(&["PUBLISH", "miroir:admin_session:revoked", "received"]);
    assert_eq!(feed.next().await, Some(Revocation::Session("received".to_owned())));
}

#[tokio::test]
async fn damaged_rows_are_corrupt_by_their_key() {
    let server = RedisServer::start();
    let store = open(&server).await;
    store.task_create(new_task("a"), at(1)).await.unwrap();
    let damages: [&[&str]; 6] = [
        &["HSET", "miroir:tasks:0", "status", "asleep"],
        &["HSET", "miroir:tasks:0", "version", "-1"],
        &["HSET", "miroir:tasks:0", "node_tasks", "{"],
        &["HSET", "miroir:tasks:0", "created_at", "yesterday"],
        &["HSET", "miroir:tasks:0", "custom_metadata", ""],
        &["SET", "miroir:tasks:0", "a string"],
    ];
    let all = TaskQuery::default();
    for damage in damages {
        server.say(&["DEL", "miroir:tasks:0"]);
        server.say(&["SET", "miroir:tasks:_seq", "0"]);
        store.task_create(new_task("a"), at(1)).await.unwrap();
        server.say(damage);
        if damage.contains(&"custom_metadata") {
            assert_eq!(
                store.task_get(TaskUid(0)).await.unwrap().unwrap().custom_metadata.as_deref(),
                Some("")
            );
            continue;
        }
        for result in [store.task_get(TaskUid(0)).await.map(drop), store.task_list(&all).await.map(drop)] {
            match result {
                Err(StoreError::Corrupt { table: "tasks", key, .. }) => {
                    assert!(key.contains('0') || key == "of a page", "{key}");
                }
                other => panic!("{damage:?}: {other:?}"),
            }
        }
    }
    server.say(&["DEL", "miroir:tasks:0"]);
    let result = store.task_list(&all).await;
    assert!(matches!(&result, Err(StoreError::Corrupt { key, .. }) if key == "0"), "{result:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lease_runs_by_the_servers_clock() {
    let server = RedisServer::start();
    let (one, two) = (open(&server).await, open(&server).await);
    let ttl = Duration::from_millis(400);
    let Acquire::Acquired(first) = one.lease_acquire("s", "one", ttl, at(0)).await.unwrap() else {
        panic!("no other holder exists")
    };
    // A clock that is centuries ahead ends nothing, and one that is behind does not extend a term.
    let ahead = at(9_000_000_000_000);
    assert!(matches!(two.lease_acquire("s", "two", ttl, ahead).await.unwrap(), Acquire::Held(_)));
    let renewed = one.lease_renew("s", "one", first.token, ttl, ahead).await.unwrap().unwrap();
    assert!(renewed >= first.expires_at);
    tokio::time::sleep(ttl + Duration::from_millis(20)).await;
    assert_eq!(one.lease_get("s", at(0)).await.unwrap(), None);
    assert_eq!(one.lease_renew("s", "one", first.token, ttl, at(0)).await.unwrap(), None, "it is over");
    let Acquire::Acquired(second) = two.lease_acquire("s", "two", ttl, at(0)).await.unwrap() else {
        panic!("the term is over")
    };
    assert!(second.token > first.token);
    assert!(!one.lease_release("s", "one", first.token).await.unwrap());
}

#[tokio::test]
async fn lease_tokens_grow_over_a_restart_of_the_server() {
    let mut server = RedisServer::durable();
    let store = open(&server).await;
    let ttl = Duration::from_millis(50);
    for token in 1..4 {
        let Acquire::Acquired(lease) = store.lease_acquire("s", "one", ttl, at(0)).await.unwrap() else {
            panic!("the term before is over")
        };
        assert_eq!(lease.token, token);
        tokio::time::sleep(ttl).await;
        server.kill();
        server.launch_again();
        while store.store_ping().await.is_err() {}
        tokio::time::sleep(ttl).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_claimants_get_each_job_once() {
    let server = RedisServer::start();
    let stores = [open(&server).await, open(&server).await];
    for number in 0..200 {
        let job =
            NewJob { id: number.to_string(), kind: "k".to_owned(), params: Value::Null, max_attempts: 1 };
        stores[0].job_enqueue(&job).await.unwrap();
    }
    let claims = (0..200).map(|claimant: usize| {
        let store = Arc::clone(&stores[claimant % 2]);
        tokio::spawn(async move {
            let job = store.job_claim(&claimant.to_string(), at(1_000), at(0)).await.unwrap().unwrap();
            (job.id, job.claim.unwrap().token)
        })
    });
    let (mut ids, mut tokens) = (BTreeSet::new(), BTreeSet::new());
    for claim in claims.collect::<Vec<_>>() {
        let (id, token) = claim.await.unwrap();
        assert!(ids.insert(id) && tokens.insert(token), "claimed twice");
    }
    assert_eq!(stores[0].job_claim("late", at(1_000), at(0)).await.unwrap(), None);
}

#[tokio::test]
async fn expired_rows_are_removed_by_the_server() {
    use miroir_domain::admin_session::AdminSession;
    use miroir_domain::session::Session;
    use miroir_ports::outbound::{
        AdminSessionTable as _, IdempotencyTable as _, RateLimits as _, Reservation, SessionTable as _,
    };
    let server = RedisServer::start();
    let store = open(&server).await;
    let session = Session {
        session_id: "s".to_owned(),
        last_write: None,
        last_write_at: None,
        pinned_group: None,
        min_settings_version: None,
        expires_at: at(60_000),
    };
    store.session_put(&session, 9, at(0)).await.unwrap();
    let reservation = Reservation {
        key: "k".to_owned(),
        body_sha256: [0; 32],
        owner: "o".to_owned(),
        expires_at: at(60_000),
    };
    store.idempotency_reserve(&reservation, at(0)).await.unwrap();
    let admin = AdminSession {
        session_id: "a".to_owned(),
        csrf_token: "t".to_owned(),
        admin_key_hash: [0; 32],
        created_at: at(0),
        expires_at: at(60_000),
        revoked: false,
        user_agent: None,
        source_ip: None,
    };
    store.admin_session_create(&admin, at(0)).await.unwrap();
    store.rate_limit_hit("searchui:::1", 9, Duration::from_mins(1), at(0)).await.unwrap();
    store.login_attempt("::1", at(0)).await.unwrap();
    store.lease_acquire("l", "h", Duration::from_mins(1), at(0)).await.unwrap();
    let ttl =
        |key: &str| -> i64 { server.say(&["PTTL", key]).trim_start_matches(':').trim_end().parse().unwrap() };
    // The ten minutes by which clocks may differ are added in milliseconds and not in seconds.
    for key in ["miroir:session:s", "miroir:idemp:k", "miroir:admin_session:a"] {
        assert!((600_000..=660_000).contains(&ttl(key)), "{key}: {}", ttl(key));
    }
    for key in ["miroir:ratelimit:searchui:::1", "miroir:lease:l"] {
        assert!((1..=60_000).contains(&ttl(key)), "{key}: {}", ttl(key));
    }
    let two_days = 2 * 24 * 3_600_000;
    let backoff = ttl("miroir:ratelimit:adminlogin:backoff:::1");
    assert!((two_days - 10_000..=two_days).contains(&backoff), "{backoff}");
}

/// A page by a date that thousands of tasks match is read in another way than one that few match. Both agree
/// with the model.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_by_date_agree_for_many_and_few_matches() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let writers = (0..8).map(|writer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for number in 0..300 {
                // Dates that do not grow with the uid.
                let created = at((number * 7 + writer * 13) % 100);
                store.task_create(new_task(&format!("{writer}-{number}")), created).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let everything = TaskQuery { limit: u32::MAX, ..TaskQuery::default() };
    let all = store.task_list(&everything).await.unwrap().tasks;
    for (after, before) in [(Some(10), None), (None, Some(90)), (Some(20), Some(80)), (Some(97), None)] {
        for (reverse, from) in [(false, None), (true, None), (false, Some(1_100)), (true, Some(1_100))] {
            let mut query = TaskQuery { reverse, from: from.map(TaskUid), limit: 7, ..TaskQuery::default() };
            query.enqueued.after = after.map(at);
            query.enqueued.before = before.map(at);
            let mut matching: Vec<_> = all.iter().filter(|task| query.matches(task)).collect();
            let total = matching.len() as u64;
            if reverse {
                matching.reverse();
            }
            matching.retain(|task| match query.from {
                Some(from) if reverse => task.uid >= from,
                Some(from) => task.uid <= from,
                None => true,
            });
            let page = store.task_list(&query).await.unwrap();
            assert_eq!(page.total, total);
            assert_eq!(page.tasks.iter().collect::<Vec<_>>(), matching[..7.min(matching.len())]);
            assert_eq!(page.next, matching.get(7).map(|task| task.uid), "{query:?}");
        }
    }
    let mut none = TaskQuery { limit: 0, ..TaskQuery::default() };
    none.enqueued.after = Some(at(10));
    let page = store.task_list(&none).await.unwrap();
    assert_eq!((page.tasks.len(), page.next), (0, all.iter().find(|task| none.matches(task)).map(|t| t.uid)));
}
