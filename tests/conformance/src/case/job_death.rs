//! Workers that die while they hold a claim.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use miroir_domain::job::{JobEnd, JobState, NewJob};
use miroir_ports::outbound::{Create, JobDepth, TaskStore};
use serde_json::Value;

use crate::harness::Harness;
use crate::sample::at;

/// The number of jobs in a default run. `MIROIR_JOBS` sets it.
const JOBS: u64 = 2_000;
const WORKERS: u64 = 64;
/// The time for which a claim holds, in ticks of the clock. Each claim is one tick.
const CLAIM: i64 = 500;
/// The number of claims for each whose worker dies.
const DEATH_EVERY: u64 = 10;

/// The record of one worker.
#[derive(Default)]
struct Record {
    /// Jobs that ended with success, with the token that ended them.
    ended: Vec<(String, u64)>,
    /// Claims whose worker died.
    dead: Vec<(String, u64)>,
    claims: u64,
}

async fn work(store: Arc<dyn TaskStore>, clock: Arc<AtomicI64>, worker: u64) -> Record {
    let mut record = Record::default();
    // The worker alone determines when it dies, so that a run can be repeated.
    let mut luck = worker;
    loop {
        let now = clock.fetch_add(1, Ordering::SeqCst);
        let Some(job) = store.job_claim(&worker.to_string(), at(now + CLAIM), at(now)).await.unwrap() else {
            if store.job_depth().await.unwrap() == JobDepth::default() {
                return record;
            }
            // The rest may be claimed by dead workers, so their time has to pass.
            clock.fetch_add(CLAIM / 10, Ordering::SeqCst);
            tokio::task::yield_now().await;
            continue;
        };
        record.claims += 1;
        luck = luck.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let token = job.claim.unwrap().token;
        if (luck >> 33).is_multiple_of(DEATH_EVERY) {
            record.dead.push((job.id, token));
            continue;
        }
        let now = at(clock.load(Ordering::SeqCst));
        if store.job_finish(&job.id, token, JobEnd::Succeeded, now).await.unwrap() {
            record.ended.push((job.id, token));
        }
    }
}

/// JOB-2, JOB-3, JOB-4, JOB-7: every job ends once, no token is accepted twice, and dead workers can end
/// nothing.
pub(crate) async fn every_job_ends_once_while_workers_die<H: Harness>() {
    let jobs = std::env::var("MIROIR_JOBS").map_or(JOBS, |jobs| jobs.parse().unwrap());
    let harness = H::start().await;
    let store = harness.store();
    let queueing = (0..WORKERS).map(|first| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for number in (first..jobs).step_by(64) {
                let id = number.to_string();
                let job = NewJob { id, kind: "k".to_owned(), params: Value::Null, max_attempts: u32::MAX };
                assert_eq!(store.job_enqueue(&job).await.unwrap(), Create::Created);
            }
        })
    });
    for queued in queueing.collect::<Vec<_>>() {
        queued.await.unwrap();
    }
    let clock = Arc::new(AtomicI64::new(0));
    let workers =
        (0..WORKERS).map(|worker| tokio::spawn(work(Arc::clone(&store), Arc::clone(&clock), worker)));
    let (mut ended, mut dead, mut claims) = (BTreeMap::new(), BTreeMap::new(), 0);
    let mut tokens = std::collections::BTreeSet::new();
    for worker in workers.collect::<Vec<_>>() {
        let record = worker.await.unwrap();
        claims += record.claims;
        for (id, token) in record.ended {
            assert!(tokens.insert(token), "token {token} was accepted twice");
            assert_eq!(ended.insert(id.clone(), token), None, "job {id} ended twice");
        }
        for (id, token) in record.dead {
            assert_eq!(dead.insert(token, id), None, "token {token} was given twice");
        }
    }
    assert_eq!(ended.len() as u64, jobs);
    assert!(dead.len() as u64 > jobs / 20, "only {} workers died", dead.len());
    assert_eq!(store.job_depth().await.unwrap(), JobDepth::default());
    // Dead workers return too late.
    let now = at(clock.load(Ordering::SeqCst));
    for (token, id) in dead.iter().take(500) {
        assert!(!store.job_finish(id, *token, JobEnd::Failed("late".to_owned()), now).await.unwrap());
        assert!(!store.job_heartbeat(id, *token, None, at(i64::MAX), now).await.unwrap());
        assert_eq!(store.job_get(id).await.unwrap().unwrap().state, JobState::Succeeded);
    }
    println!("{jobs} jobs ended in {claims} claims, {} of them by workers that died", dead.len());
}
