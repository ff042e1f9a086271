//! The inbound port of the canaries.

use super::*;

#[tokio::test(start_paused = true)]
async fn run_on_request_is_recorded_and_counts_as_the_run_of_the_interval() {
    let bench = bench().await;
    let fixture = Fixture::of(&bench);
    let draft = fixture.create(json!({ "enabled": false })).await;
    let run = fixture.service.canary_run(draft.clone()).await.unwrap();
    assert_eq!(run.status, CanaryStatus::Pass);
    let listed = fixture.service.canary_runs(draft.clone(), 10).await.unwrap();
    assert_eq!(listed.results, [run]);

    let id = fixture.create(json!({})).await;
    sleep(Duration::from_secs(40)).await;
    fixture.service.canary_run(id.clone()).await.unwrap();
    sleep(Duration::from_secs(50)).await;
    assert_eq!(fixture.runs(&id).await.len(), 2, "the next is due a minute after the run on request");
    sleep(Duration::from_secs(15)).await;
    assert_eq!(fixture.runs(&id).await.len(), 3);
    let newest_first = fixture.service.canary_runs(id, 2).await.unwrap().results;
    assert!(newest_first.len() == 2 && newest_first[0].ran_at > newest_first[1].ran_at);

    let unknown: CanaryId = "unknown".parse().unwrap();
    for refused in [
        fixture.service.canary_run(unknown.clone()).await.map(drop),
        fixture.service.canary_runs(unknown.clone(), 1).await.map(drop),
        fixture.service.canary_get(unknown.clone()).await.map(drop),
        fixture.service.canary_delete(unknown).await,
    ] {
        assert_refused(refused, ErrorCode::MiroirCanaryNotFound);
    }
}

#[tokio::test(start_paused = true)]
async fn replace_accepts_one_of_two_writers_with_the_same_version() {
    let bench = bench().await;
    let fixture = Fixture::of(&bench);
    let id = fixture.create(json!({ "enabled": false })).await;
    for version in 1..20 {
        let named = |name: &str| definition(json!({ "name": name, "enabled": false }));
        let put = |name: &str| {
            let precondition = CanaryPrecondition::Version(version);
            fixture.service.canary_replace(id.clone(), named(name), precondition)
        };
        let (left, right) = tokio::join!(put("left"), put("right"));
        let stored = fixture.service.canary_get(id.clone()).await.unwrap();
        let (accepted, refused) = if left.is_ok() { (left, right) } else { (right, left) };
        assert_eq!(accepted.unwrap().canary, stored);
        assert_eq!(stored.version, version + 1);
        assert_refused(refused, ErrorCode::MiroirCanaryVersionMismatch);
    }
    // Without a version, all writers are accepted one after the other.
    let any = |name: &str| {
        let changed = definition(json!({ "name": name, "enabled": false }));
        fixture.service.canary_replace(id.clone(), changed, CanaryPrecondition::None)
    };
    let (left, right) = tokio::join!(any("left"), any("right"));
    let mut versions = [left.unwrap().canary.version, right.unwrap().canary.version];
    versions.sort_unstable();
    assert_eq!(versions, [21, 22]);
}

#[tokio::test(start_paused = true)]
async fn replace_creates_a_canary_without_a_precondition() {
    let bench = bench().await;
    let fixture = Fixture::of(&bench);
    let id: CanaryId = "new".parse().unwrap();
    let put = |precondition| fixture.service.canary_replace(id.clone(), definition(json!({})), precondition);
    for demanding in [CanaryPrecondition::Exists, CanaryPrecondition::Version(1)] {
        assert_refused(put(demanding).await, ErrorCode::MiroirCanaryVersionMismatch);
    }
    let created = put(CanaryPrecondition::None).await.unwrap();
    assert!(created.created && created.canary.version == 1);
    let replaced = put(CanaryPrecondition::Exists).await.unwrap();
    assert!(!replaced.created && replaced.canary.version == 2);
    assert_eq!(replaced.canary.created_at, created.canary.created_at);
    assert_refused(
        fixture.service.canary_create(definition(json!({ "id": "new" }))).await,
        ErrorCode::MiroirCanaryExists,
    );
}

#[tokio::test(start_paused = true)]
async fn list_returns_pages_in_the_order_of_ids() {
    let bench = bench().await;
    let fixture = Fixture::of(&bench);
    for id in ["b", "a", "c"] {
        fixture.create(json!({ "id": id, "enabled": false })).await;
    }
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = fixture.service.canary_list(after, 2).await.unwrap();
        pages.push(page.results.into_iter().map(|canary| canary.id).collect::<Vec<_>>());
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, [vec!["a", "b"], vec!["c"]]);
    assert_eq!(
        fixture.service.canary_list(None, 3).await.unwrap().next,
        None,
        "a page that is exactly full is the last"
    );
}
