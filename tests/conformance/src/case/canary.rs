//! Tables 8 and 9, `canaries` and `canary_runs`.

use miroir_domain::canary::{Canary, CanaryRun, CanaryStatus};
use miroir_ports::outbound::{Create, Put, StoreError};
use serde_json::{Value, json};

use crate::harness::Harness;
use crate::sample::{at, index};

fn canary(id: &str) -> Canary {
    Canary {
        id: id.to_owned(),
        name: "the 🎬 film is found".to_owned(),
        index_uid: index("films"),
        interval_s: u32::MAX,
        query: json!({ "q": "x", "filter": ["a", ["b"]] }),
        assertions: json!([{ "min_hits": u64::MAX }]),
        enabled: true,
        created_at: at(-5),
        version: 1,
    }
}

fn run(id: &str, ran_at: i64, status: CanaryStatus) -> CanaryRun {
    CanaryRun {
        canary_id: id.to_owned(),
        ran_at: at(ran_at),
        status,
        latency_ms: u64::MAX,
        failed_assertions: json!([{ "observed": 0.1 }]),
    }
}

/// CANARY-1, CANARY-2, STORE-4.
pub(crate) async fn canary_reads_back_and_changes_once_per_version<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    for id in ["", "a:b{c}", "nul\0🎬"] {
        let first = canary(id);
        assert_eq!(store.canary_put(&first).await.unwrap(), Put::Conflict, "there is no row");
        assert_eq!(store.canary_create(&first).await.unwrap(), Create::Created);
        let other = Canary { enabled: false, query: Value::Null, ..canary(id) };
        assert_eq!(store.canary_create(&other).await.unwrap(), Create::Exists);
        assert_eq!(store.canary_get(id).await.unwrap(), Some(first.clone()));
        store.canary_run_append(&run(id, 1, CanaryStatus::Pass), 5).await.unwrap();
        assert_eq!(store.canary_put(&other).await.unwrap(), Put::Stored);
        assert_eq!(store.canary_put(&other).await.unwrap(), Put::Conflict);
        assert_eq!(store.canary_get(id).await.unwrap(), Some(Canary { version: 2, ..other }));
        assert_eq!(store.canary_run_list(id, 5).await.unwrap().len(), 1, "a change leaves the runs");
    }
    let ids: Vec<String> = store.canary_list(None, 9).await.unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(ids, ["", "a:b{c}", "nul\0🎬"], "CANARY-4");
    assert_eq!(store.canary_list(Some(String::new()), 1).await.unwrap()[0].id, "a:b{c}");
}

/// CANARY-5, CANARY-6.
pub(crate) async fn newest_runs_are_kept<H: Harness>() {
    let harness = H::start().await;
    let store = harness.store();
    assert!(!store.canary_run_append(&run("c", 1, CanaryStatus::Pass), 3).await.unwrap(), "no such canary");
    for id in ["c", "other"] {
        store.canary_create(&canary(id)).await.unwrap();
        for ran_at in [5, 1, 9, 3, 7] {
            assert!(store.canary_run_append(&run(id, ran_at, CanaryStatus::Fail), 3).await.unwrap());
        }
    }
    let replaced = run("c", 9, CanaryStatus::Error);
    store.canary_run_append(&replaced, 3).await.unwrap();
    let kept = store.canary_run_list("c", 9).await.unwrap();
    assert_eq!(kept, [replaced, run("c", 7, CanaryStatus::Fail), run("c", 5, CanaryStatus::Fail)]);
    assert_eq!(store.canary_run_list("c", 1).await.unwrap(), kept[..1]);
    let refused = store.canary_run_append(&run("c", 10, CanaryStatus::Pass), 0).await;
    assert!(matches!(refused, Err(StoreError::InvalidInput(_))));
    assert!(store.canary_delete("c").await.unwrap() && !store.canary_delete("c").await.unwrap());
    store.canary_create(&canary("c")).await.unwrap();
    assert_eq!(store.canary_run_list("c", 9).await.unwrap(), [], "CANARY-3");
    assert_eq!(store.canary_run_list("other", 9).await.unwrap().len(), 3);
}
