//! Captures of searches, which become drafts.

use super::*;

#[tokio::test(start_paused = true)]
async fn capture_stores_drafts_of_distinct_searches_up_to_its_count() {
    let bench = bench().await;
    let fixture = Fixture::of(&bench);
    let search = |index: &'static str, body: Value| {
        let search = Arc::clone(&fixture.search);
        async move { search.search(uid(index), SearchRequest::from_json(body).unwrap()).await }
    };
    let drafts = || async { fixture.service.canary_list(None, 100).await.unwrap().results };
    search("films", json!({ "q": "film 0" })).await.unwrap();
    let request = CaptureRequest { index: uid("films"), count: 3, name: Some("shop".to_owned()) };
    let started = fixture.service.canary_capture(request).await.unwrap();
    assert_eq!(started.until.since(bench.cluster.clock.now()), Duration::from_hours(1));
    assert!(drafts().await.is_empty(), "earlier searches are not captured");

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
        assert_eq!(fixture.service.canary_run(id).await.unwrap().status, CanaryStatus::Pass);
    }
}

#[tokio::test(start_paused = true)]
async fn capture_skips_known_drafts_and_expires() {
    let bench = bench().await;
    let fixture = Fixture::of(&bench);
    let search = |body: Value| {
        let search = Arc::clone(&fixture.search);
        async move { search.search(uid("films"), SearchRequest::from_json(body).unwrap()).await.unwrap() }
    };
    let count = || async { fixture.service.canary_list(None, 100).await.unwrap().results.len() };
    let capture = |count: u32| CaptureRequest { index: uid("films"), count, name: None };
    for expected in 1..=2 {
        fixture.service.canary_capture(capture(1)).await.unwrap();
        for number in 1..=3 {
            search(json!({ "q": format!("film {number}") })).await;
            sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(count().await, expected, "the known draft is skipped");
    }
    // A search can be captured again if the store fails.
    fixture.service.canary_capture(capture(1)).await.unwrap();
    bench.faults.script.fail("canary_create", 1);
    search(json!({ "q": "film 9" })).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(count().await, 2);
    search(json!({ "q": "film 9" })).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(count().await, 3);

    fixture.service.canary_capture(capture(5)).await.unwrap();
    search(json!({ "q": "film 10" })).await;
    sleep(Duration::from_hours(1)).await;
    search(json!({ "q": "film 11" })).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(count().await, 4);
}

#[tokio::test(start_paused = true)]
async fn capture_does_not_delay_searches_if_its_queue_is_full() {
    let bench = bench().await;
    let fixture = Fixture::of(&bench);
    let request = CaptureRequest { index: uid("films"), count: 100, name: None };
    fixture.service.canary_capture(request).await.unwrap();
    // The queue is not emptied, because the workers are aborted.
    let Fixture { search, mut workers, .. } = fixture;
    workers.abort_all();
    let before = Instant::now();
    for number in 0..300 {
        let request = SearchRequest::from_json(json!({ "q": format!("film {number}") })).unwrap();
        search.search(uid("films"), request).await.unwrap();
    }
    assert!(before.elapsed() < Duration::from_secs(1));
}
