//! Table 6, `jobs`.

use std::collections::BTreeSet;

use miroir_domain::job::{Job, JobEnd, JobState, NewJob};
use miroir_ports::outbound::{Create, JobDepth, StoreError};
use serde_json::json;

use crate::harness::Harness;
use crate::sample::at;

fn new_job(id: &str, max_attempts: u32) -> NewJob {
    NewJob { id: id.to_owned(), kind: "reshard".to_owned(), params: json!({ "id": id }), max_attempts }
}

/// JOB-1, STORE-4.
pub(crate) async fn job_reads_back_and_is_queued_once<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    for id in ["", "a:b{c}", "nul\0🎬"] {
        let new = new_job(id, u32::MAX);
        assert_eq!(store.job_enqueue(&new).await.unwrap(), Create::Created);
        assert_eq!(store.job_enqueue(&new_job(id, 1)).await.unwrap(), Create::Exists);
        assert_eq!(store.job_get(id).await.unwrap(), Some(new.into_job()));
    }
    assert_eq!(store.job_depth().await.unwrap(), JobDepth { queued: 3, claimed: 0 });
    let ids: Vec<String> = store.job_list(None, 9).await.unwrap().into_iter().map(|job| job.id).collect();
    assert_eq!(ids, ["", "a:b{c}", "nul\0🎬"], "JOB-9");
    assert_eq!(store.job_list(Some(String::new()), 1).await.unwrap()[0].id, "a:b{c}");
    assert!(matches!(store.job_enqueue(&new_job("none", 0)).await, Err(StoreError::InvalidInput(_))));
}

/// JOB-4, JOB-5, JOB-7.
pub(crate) async fn claimed_job_is_worked_on_with_its_token<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    for id in ["b", "a"] {
        store.job_enqueue(&new_job(id, 3)).await.unwrap();
    }
    let first = store.job_claim("one", at(100), at(0)).await.unwrap().unwrap();
    let second = store.job_claim("two", at(100), at(0)).await.unwrap().unwrap();
    assert_eq!((first.id.as_str(), second.id.as_str(), first.attempts), ("b", "a", 1));
    let token = |job: &Job| job.claim.as_ref().unwrap().token;
    assert!(token(&second) > token(&first));
    assert_eq!(store.job_claim("three", at(100), at(0)).await.unwrap(), None);
    assert_eq!(store.job_depth().await.unwrap(), JobDepth { queued: 0, claimed: 2 });
    let beat = |token, now| store.job_heartbeat("b", token, Some(json!({ "done": 5 })), at(150), at(now));
    assert!(!beat(token(&second), 50).await.unwrap(), "the token of another claim");
    assert!(beat(token(&first), 99).await.unwrap());
    assert!(beat(token(&first), 149).await.unwrap());
    assert!(store.job_heartbeat("b", token(&first), None, at(150), at(149)).await.unwrap());
    assert!(!beat(token(&first), 150).await.unwrap(), "the claim has expired");
    assert_eq!(store.job_get("b").await.unwrap().unwrap().progress, Some(json!({ "done": 5 })));
    let finish = |token, now| store.job_finish("b", token, JobEnd::Succeeded, at(now));
    assert!(!finish(token(&first), 150).await.unwrap() && !finish(token(&second), 149).await.unwrap());
    assert!(finish(token(&first), 149).await.unwrap() && !finish(token(&first), 149).await.unwrap());
    assert_eq!(store.job_get("b").await.unwrap().unwrap().state, JobState::Succeeded);
    assert!(matches!(store.job_claim("x", at(5), at(5)).await, Err(StoreError::InvalidInput(_))), "JOB-6");
}

/// JOB-3, JOB-5: an expired claim returns to the end of the queue, and its claimant is refused.
pub(crate) async fn expired_claim_returns_to_the_queue_until_attempts_are_used_up<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    store.job_enqueue(&new_job("a", 2)).await.unwrap();
    let first = store.job_claim("one", at(100), at(0)).await.unwrap().unwrap();
    store.job_enqueue(&new_job("b", 1)).await.unwrap();
    store.job_enqueue(&new_job("c", 9)).await.unwrap();
    assert_eq!(store.job_claim("two", at(500), at(99)).await.unwrap().unwrap().id, "b");
    assert_eq!(store.job_claim("two", at(500), at(100)).await.unwrap().unwrap().id, "c");
    let again = store.job_claim("three", at(200), at(100)).await.unwrap().unwrap();
    assert_eq!((again.id.as_str(), again.attempts), ("a", 2));
    assert!(!store.job_finish("a", first.claim.unwrap().token, JobEnd::Succeeded, at(99)).await.unwrap());
    assert_eq!(store.job_claim("four", at(300), at(200)).await.unwrap(), None);
    let failed = store.job_get("a").await.unwrap().unwrap();
    assert_eq!((failed.state, failed.claim), (JobState::Failed, None));
    assert_eq!(failed.last_error.unwrap(), "the claim of `three` expired");
    assert_eq!(store.job_depth().await.unwrap(), JobDepth { queued: 0, claimed: 2 });
}

/// JOB-8.
pub(crate) async fn job_ends_by_failure_retry_and_cancel<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    store.job_enqueue(&new_job("a", 9)).await.unwrap();
    let claim =
        || async { store.job_claim("w", at(100), at(0)).await.unwrap().unwrap().claim.unwrap().token };
    let token = claim().await;
    assert!(store.job_finish("a", token, JobEnd::Retry("busy".into()), at(1)).await.unwrap());
    let job = store.job_get("a").await.unwrap().unwrap();
    assert_eq!((job.state, job.last_error.as_deref()), (JobState::Queued, Some("busy")));
    let token = claim().await;
    assert!(!store.job_delete("a").await.unwrap(), "it is not finished");
    assert!(store.job_cancel("a").await.unwrap() && !store.job_cancel("a").await.unwrap());
    assert!(!store.job_heartbeat("a", token, None, at(200), at(1)).await.unwrap());
    assert!(!store.job_finish("a", token, JobEnd::Failed("late".into()), at(1)).await.unwrap());
    assert_eq!(store.job_depth().await.unwrap(), JobDepth::default());
    assert!(store.job_delete("a").await.unwrap() && !store.job_delete("a").await.unwrap());
    assert_eq!(store.job_enqueue(&new_job("a", 1)).await.unwrap(), Create::Created);
}

/// JOB-2, JOB-4: two hundred claimants, a hundred jobs.
pub(crate) async fn every_job_is_claimed_by_one_claimant<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    for number in 0..100 {
        store.job_enqueue(&new_job(&format!("j{number}"), 1)).await.unwrap();
    }
    let claims = (0..200).map(|number| {
        let store = store.clone();
        tokio::spawn(async move { store.job_claim(&number.to_string(), at(100), at(0)).await.unwrap() })
    });
    let (mut ids, mut tokens, mut claimed) = (BTreeSet::new(), BTreeSet::new(), 0);
    for claim in claims.collect::<Vec<_>>() {
        if let Some(job) = claim.await.unwrap() {
            claimed += 1;
            ids.insert(job.id);
            tokens.insert(job.claim.unwrap().token);
        }
    }
    assert_eq!((claimed, ids.len(), tokens.len()), (100, 100, 100));
}

/// JOB-4, JOB-5, STORE-8.
pub(crate) async fn queue_and_tokens_continue_after_reopening<H: Harness>() {
    let mut harness = H::start().await;
    for id in ["b", "a", "c"] {
        harness.store().job_enqueue(&new_job(id, 3)).await.unwrap();
    }
    let before = harness.store().job_claim("w", at(100), at(0)).await.unwrap().unwrap();
    harness.reopen().await;
    let store = harness.store();
    assert_eq!(store.job_get("b").await.unwrap(), Some(before.clone()));
    assert_eq!(store.job_depth().await.unwrap(), JobDepth { queued: 2, claimed: 1 });
    let after = store.job_claim("w", at(100), at(0)).await.unwrap().unwrap();
    assert_eq!(after.id, "a");
    assert!(after.claim.unwrap().token > before.claim.unwrap().token);
}
