//! Searches of clients become drafts.

use super::*;

#[tokio::test(start_paused = true)]
async fn capture_makes_drafts_of_different_searches_and_stops() {
    let bench = bench().await;
    let aviary = Aviary::of(&bench);
    let search = |index: &'static str, body: Value| {
        let search = Arc::clone(&aviary.search);
        async move { search.search(uid(index), SearchRequest::from_json(body).unwrap()).await }
    };
    let drafts = || async { aviary.service.canary_list(None, 100).await.unwrap().results };
    search("films", json!({ "q": "film 0" })).await.unwrap();
    let request = CaptureRequest { index: uid("films"), count: 3, name: Some("shop".to_owned()) };
    let started = aviary.service.canary_capture(request).await.unwrap();
    assert_eq!(started.until.since(bench.cluster.clock.now()), Duration::from_hours(1));
    assert!(drafts().await.is_empty(), "what was before it is not captured");

    let first = search("films", json!({ "q": "film 1", "limit": 3 })).await.unwrap();
    search("films", json!({ "limit": 3, "q": "film 1" })).await.unwrap();
    search("films", json!({ "q": "nothing like it" })).await.unwrap();
    search("nowhere", json!({ "q": "film 1" })).await.unwrap_err();
    for number in 2..9 {
        search("films", json!({ "q": format!("film {number}") })).await.unwrap();
    }
    sleep(Duration::from_secs(1)).await;
    let made = drafts().await;
    assert_eq!(made.len(), 3, "{made:#?}");
    assert!(
        made.iter().all(|draft| !draft.enabled && draft.name.starts_with("shop: ") && draft.version == 1)
    );
    let of = |query: &str| made.iter().find(|draft| draft.query["q"] == query).unwrap();
    let ids: Vec<String> =
        first.body["hits"].as_array().unwrap().iter().map(|hit| hit["id"].to_string()).collect();
    assert_eq!(of("film 1").assertions, json!([{ "type": "top_k_contains", "k": 3, "ids": ids }]));
    assert_eq!(of("nothing like it").assertions, json!([]));
    assert_eq!(of("film 2").assertions[0]["type"], "top_k_contains");
    for draft in &made {
        let id: CanaryId = draft.id.parse().unwrap();
        assert_eq!(aviary.service.canary_run(id).await.unwrap().status, CanaryStatus::Pass);
    }
}

#[tokio::test(start_paused = true)]
async fn capture_does_not_count_what_is_a_draft_already_and_ends_in_time() {
    let bench = bench().await;
    let aviary = Aviary::of(&bench);
    let search = |body: Value| {
        let search = Arc::clone(&aviary.search);
        async move { search.search(uid("films"), SearchRequest::from_json(body).unwrap()).await.unwrap() }
    };
    let count = || async { aviary.service.canary_list(None, 100).await.unwrap().results.len() };
    let capture = |count: u32| CaptureRequest { index: uid("films"), count, name: None };
    for expected in 1..=2 {
        aviary.service.canary_capture(capture(1)).await.unwrap();
        for number in 1..=3 {
            search(json!({ "q": format!("film {number}") })).await;
            sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(count().await, expected, "the one that is known is passed over");
    }
    // A draft that the store does not take may be captured again.
    aviary.service.canary_capture(capture(1)).await.unwrap();
    bench.faults.script.fail("canary_create", 1);
    search(json!({ "q": "film 9" })).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(count().await, 2);
    search(json!({ "q": "film 9" })).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(count().await, 3);

    aviary.service.canary_capture(capture(5)).await.unwrap();
    search(json!({ "q": "film 10" })).await;
    sleep(Duration::from_hours(1)).await;
    search(json!({ "q": "film 11" })).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(count().await, 4);
}

#[tokio::test(start_paused = true)]
async fn capture_never_holds_up_a_search() {
    let bench = bench().await;
    let aviary = Aviary::of(&bench);
    let request = CaptureRequest { index: uid("films"), count: 100, name: None };
    aviary.service.canary_capture(request).await.unwrap();
    // Nothing takes the drafts away: the workers are gone.
    let Aviary { search, mut workers, .. } = aviary;
    workers.abort_all();
    let before = Instant::now();
    for number in 0..300 {
        let request = SearchRequest::from_json(json!({ "q": format!("film {number}") })).unwrap();
        search.search(uid("films"), request).await.unwrap();
    }
    assert!(before.elapsed() < Duration::from_secs(1));
}
