//! What clients ask of canaries.

use super::*;

#[tokio::test(start_paused = true)]
async fn run_now_runs_once_records_it_and_counts_as_the_run_of_the_interval() {
    let bench = bench().await;
    let aviary = Aviary::of(&bench);
    let draft = aviary.create(json!({ "enabled": false })).await;
    let run = aviary.service.canary_run(draft.clone()).await.unwrap();
    assert_eq!(run.status, CanaryStatus::Pass);
    let listed = aviary.service.canary_runs(draft.clone(), 10).await.unwrap();
    assert_eq!(listed.results, [run]);

    let id = aviary.create(json!({})).await;
    sleep(Duration::from_secs(40)).await;
    aviary.service.canary_run(id.clone()).await.unwrap();
    sleep(Duration::from_secs(50)).await;
    assert_eq!(aviary.runs(&id).await.len(), 2, "the next is due a minute after the one that was asked for");
    sleep(Duration::from_secs(15)).await;
    assert_eq!(aviary.runs(&id).await.len(), 3);
    let newest_first = aviary.service.canary_runs(id, 2).await.unwrap().results;
    assert!(newest_first.len() == 2 && newest_first[0].ran_at > newest_first[1].ran_at);

    let nobody: CanaryId = "nobody".parse().unwrap();
    for refused in [
        aviary.service.canary_run(nobody.clone()).await.map(drop),
        aviary.service.canary_runs(nobody.clone(), 1).await.map(drop),
        aviary.service.canary_get(nobody.clone()).await.map(drop),
        aviary.service.canary_delete(nobody).await,
    ] {
        assert_refused(refused, ErrorCode::MiroirCanaryNotFound);
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_writers_with_one_version_one_is_taken() {
    let bench = bench().await;
    let aviary = Aviary::of(&bench);
    let id = aviary.create(json!({ "enabled": false })).await;
    for version in 1..20 {
        let named = |name: &str| definition(json!({ "name": name, "enabled": false }));
        let put = |name: &str| {
            let precondition = CanaryPrecondition::Version(version);
            aviary.service.canary_replace(id.clone(), named(name), precondition)
        };
        let (left, right) = tokio::join!(put("left"), put("right"));
        let stored = aviary.service.canary_get(id.clone()).await.unwrap();
        let (taken, refused) = if left.is_ok() { (left, right) } else { (right, left) };
        assert_eq!(taken.unwrap().canary, stored);
        assert_eq!(stored.version, version + 1);
        assert_refused(refused, ErrorCode::MiroirCanaryVersionMismatch);
    }
    // Without a version everybody is taken, one after the other.
    let any = |name: &str| {
        let changed = definition(json!({ "name": name, "enabled": false }));
        aviary.service.canary_replace(id.clone(), changed, CanaryPrecondition::None)
    };
    let (left, right) = tokio::join!(any("left"), any("right"));
    let mut versions = [left.unwrap().canary.version, right.unwrap().canary.version];
    versions.sort_unstable();
    assert_eq!(versions, [21, 22]);
}

#[tokio::test(start_paused = true)]
async fn replacement_creates_where_nothing_is_demanded() {
    let bench = bench().await;
    let aviary = Aviary::of(&bench);
    let id: CanaryId = "new".parse().unwrap();
    let put = |precondition| aviary.service.canary_replace(id.clone(), definition(json!({})), precondition);
    for demanding in [CanaryPrecondition::Exists, CanaryPrecondition::Version(1)] {
        assert_refused(put(demanding).await, ErrorCode::MiroirCanaryVersionMismatch);
    }
    let created = put(CanaryPrecondition::None).await.unwrap();
    assert!(created.created && created.canary.version == 1);
    let replaced = put(CanaryPrecondition::Exists).await.unwrap();
    assert!(!replaced.created && replaced.canary.version == 2);
    assert_eq!(replaced.canary.created_at, created.canary.created_at);
    assert_refused(
        aviary.service.canary_create(definition(json!({ "id": "new" }))).await,
        ErrorCode::MiroirCanaryExists,
    );
}

#[tokio::test(start_paused = true)]
async fn lists_page_in_order_of_id() {
    let bench = bench().await;
    let aviary = Aviary::of(&bench);
    for id in ["b", "a", "c"] {
        aviary.create(json!({ "id": id, "enabled": false })).await;
    }
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = aviary.service.canary_list(after, 2).await.unwrap();
        pages.push(page.results.into_iter().map(|canary| canary.id).collect::<Vec<_>>());
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, [vec!["a", "b"], vec!["c"]]);
    assert_eq!(
        aviary.service.canary_list(None, 3).await.unwrap().next,
        None,
        "a page that is just full is the last"
    );
}
