//! The results of runs and their evidence.

use super::*;

#[tokio::test(start_paused = true)]
async fn run_fails_with_evidence_after_a_change_of_the_ranking() {
    let bench = bench().await;
    let fixture = Fixture::of(&bench);
    let top =
        bench.search.search(uid("films"), SearchRequest::from_json(json!({ "q": "film" })).unwrap()).await;
    let top = top.unwrap().body["hits"][0]["id"].clone();
    // The id is found although the query does not retrieve it.
    let id = fixture
        .create(json!({
            "query": { "q": "film", "attributesToRetrieve": ["title"] },
            "assertions": [{ "type": "top_hit_id", "id": top }, { "type": "min_hits", "value": 60 }],
        }))
        .await;
    sleep(Duration::from_secs(90)).await;
    assert_eq!(fixture.statuses(&id).await, [CanaryStatus::Pass; 2]);

    // Without the word in its title, the film is no longer found.
    bench.written("films", json!([{ "id": top, "title": "nothing", "genre": "g" }])).await;
    sleep(Duration::from_mins(1)).await;
    let runs = fixture.runs(&id).await;
    assert_eq!(runs.len(), 3);
    let evidence = &runs[2].failed_assertions;
    assert_eq!(runs[2].status, CanaryStatus::Fail);
    assert_eq!(evidence[0]["failingIds"], json!([top.to_string()]));
    assert_eq!(evidence[0]["observed"], evidence[0]["topIds"][0]);
    assert_ne!(evidence[0]["observed"], json!(top.to_string()));
    assert_eq!(evidence[0]["topIds"].as_array().unwrap().len(), 20);
    assert_eq!(evidence[1]["observed"], 59);

    let summary = fixture.summary(&id).await;
    assert_eq!((summary.last_status, summary.consecutive_failures), (Some(CanaryStatus::Fail), 1));
    assert_eq!((summary.counts.pass, summary.counts.fail, summary.counts.error), (2, 1, 0));
    let totals = fixture.service.canary_status().await.unwrap().totals;
    assert_eq!((totals.runs, totals.failures, totals.errors), (3, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn run_is_an_error_with_the_message_of_the_search_if_the_index_is_missing() {
    let bench = bench().await;
    let fixture = Fixture::of(&bench);
    let id = fixture
        .create(json!({ "index": "nowhere", "assertions": [{ "type": "max_hits", "value": 0 }] }))
        .await;
    sleep(Duration::from_secs(61)).await;
    let runs = fixture.runs(&id).await;
    assert_eq!(runs.len(), 2);
    for run in runs {
        assert_eq!(run.status, CanaryStatus::Error);
        let error = &run.failed_assertions[0]["error"];
        assert_eq!(
            (&error["code"], &error["message"]),
            (&json!("index_not_found"), &json!("Index `nowhere` not found."))
        );
    }
    assert_eq!(fixture.service.canary_status().await.unwrap().totals.errors, 2);
    assert_eq!(fixture.summary(&id).await.consecutive_failures, 2);
}

#[tokio::test(start_paused = true)]
async fn run_fails_if_settings_or_shards_are_missing() {
    let bench = bench().await;
    let fixture = Fixture::of(&bench);
    let asserted =
        json!([{ "type": "settings_version_at_least", "value": 2 }, { "type": "min_hits", "value": 60 }]);
    let id = fixture.create(json!({ "enabled": false, "assertions": asserted })).await;
    let run = fixture.service.canary_run(id.clone()).await.unwrap();
    assert_eq!(run.failed_assertions.as_array().unwrap().len(), 1);
    assert_eq!(run.failed_assertions[0]["observed"], 1);
    for node in ["a", "b"] {
        bench.nodes.always(node, "read search", Fault::Unreachable);
    }
    let run = fixture.service.canary_run(id).await.unwrap();
    assert_eq!(run.failed_assertions[1]["assertion"]["type"], "min_hits");
    assert!(run.failed_assertions[1]["degraded"].as_str().is_some_and(|text| !text.is_empty()), "{run:?}");
}

#[tokio::test(start_paused = true)]
async fn history_is_trimmed_to_its_length() {
    let bench = empty();
    let options = CanaryOptions { history: 3, ..CanaryOptions::default() };
    let fixture = Fixture::over(&bench, Arc::new(SlowSearch::default()), options);
    let id = fixture.create(search_taking(1, json!({ "intervalSeconds": 1 }))).await;
    sleep(Duration::from_secs(10)).await;
    assert_eq!(fixture.runs(&id).await.len(), 3);
    assert_eq!(fixture.summary(&id).await.counts.pass, 3);
}

#[tokio::test(start_paused = true)]
async fn run_is_an_error_if_the_row_is_invalid_and_other_canaries_run() {
    let bench = bench().await;
    let fixture = Fixture::of(&bench);
    let id = fixture.create(json!({})).await;
    let row = fixture.store.canary_get(id.as_str()).await.unwrap().unwrap();
    let odd = miroir_domain::canary::Canary { id: "odd".to_owned(), query: json!(5), ..row };
    fixture.store.canary_create(&odd).await.unwrap();
    sleep(Duration::from_secs(5)).await;
    assert_eq!(fixture.statuses(&id).await, [CanaryStatus::Pass]);
    let runs = fixture.runs(&"odd".parse().unwrap()).await;
    assert_eq!(runs[0].status, CanaryStatus::Error);
    assert_eq!(runs[0].failed_assertions[0]["error"]["code"], "miroir_invalid_canary");
}

#[tokio::test(start_paused = true)]
async fn run_fails_after_a_flip_of_its_alias() {
    let bench = bench().await;
    bench.written("next", films(0, 30)).await;
    let alias = json!({ "name": "shown", "target": "films" });
    bench.alias.alias_create(NewAlias::from_json(alias).unwrap()).await.unwrap();
    let fixture = Fixture::of(&bench);
    let asserted = json!([
        { "type": "min_hits", "value": 60 }, { "type": "must_not_contain_id", "id": 59 },
        { "type": "settings_version_at_least", "value": 1 },
    ]);
    let id =
        fixture.create(json!({ "index": "shown", "query": { "q": "film" }, "assertions": asserted })).await;
    sleep(Duration::from_secs(10)).await;
    assert_eq!(fixture.statuses(&id).await, [CanaryStatus::Pass]);
    let flip = AliasChange::from_json(json!({ "target": "next" })).unwrap();
    bench.alias.alias_flip(uid("shown"), flip, None).await.unwrap();
    sleep(Duration::from_mins(1)).await;
    let runs = fixture.runs(&id).await;
    let evidence = runs[1].failed_assertions.as_array().unwrap();
    assert_eq!((runs.len(), evidence.len()), (2, 1), "{evidence:?}");
    assert_eq!(evidence[0]["observed"], 30);
    assert!(evidence[0]["topIds"][0].is_string(), "ids are found by the primary key of the target");

    let both = json!({ "name": "all", "targets": ["films", "next"] });
    bench.alias.alias_create(NewAlias::from_json(both).unwrap()).await.unwrap();
    let asserted =
        json!([{ "type": "min_hits", "value": 90 }, { "type": "settings_version_at_least", "value": 1 }]);
    let all = fixture.create(json!({ "index": "all", "enabled": false, "assertions": asserted })).await;
    let run = fixture.service.canary_run(all).await.unwrap();
    assert_eq!(run.status, CanaryStatus::Pass, "{run:?}");
}
