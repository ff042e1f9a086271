//! Canaries of the configuration.

use miroir_ports::outbound::StoreError;

use super::*;

#[tokio::test(start_paused = true)]
async fn configured_canaries_run_and_refuse_changes_until_they_are_removed() {
    let bench = bench().await;
    let fixture = Fixture::of(&bench);
    let now = bench.cluster.clock.now();
    let configured = |ids: &[&str], name: &str| -> Vec<Definition> {
        ids.iter().map(|id| definition(json!({ "id": id, "name": name }))).collect()
    };
    fixture.create(json!({ "id": "kept", "enabled": false })).await;
    let store = Arc::clone(&fixture.store);
    let apply = |definitions: Vec<Definition>| {
        let store = Arc::clone(&store);
        async move { configure(store.as_ref(), &definitions, now).await.unwrap() }
    };
    let done = apply(configured(&["kept", "two"], "n")).await;
    assert_eq!(done, Configured { created: 2, changed: 0, removed: 0 });
    let id: CanaryId = "config:kept".parse().unwrap();
    sleep(Duration::from_secs(5)).await;
    assert_eq!(fixture.runs(&id).await.len(), 1);
    let seen = fixture.service.canary_get(id.clone()).await.unwrap();
    assert!(seen.configured && seen.enabled);
    assert_eq!(fixture.service.canary_run(id.clone()).await.unwrap().status, CanaryStatus::Pass);

    for precondition in [CanaryPrecondition::None, CanaryPrecondition::Version(1)] {
        let replaced = fixture.service.canary_replace(id.clone(), definition(json!({})), precondition).await;
        assert_refused(replaced, ErrorCode::MiroirCanaryConfigured);
    }
    assert_refused(fixture.service.canary_delete(id.clone()).await, ErrorCode::MiroirCanaryConfigured);

    assert_eq!(apply(configured(&["kept", "two"], "n")).await, Configured::default(), "nothing changed");
    assert_eq!(fixture.service.canary_get(id.clone()).await.unwrap().version, 1);
    let done = apply(configured(&["kept"], "other")).await;
    assert_eq!(done, Configured { created: 0, changed: 1, removed: 1 });
    let seen = fixture.service.canary_get(id.clone()).await.unwrap();
    assert_eq!((seen.version, seen.name.as_str()), (2, "other"));
    assert_eq!(fixture.runs(&id).await.len(), 2, "a change keeps the runs");
    assert_eq!(apply(Vec::new()).await, Configured { created: 0, changed: 0, removed: 1 });
    let left: Vec<String> = fixture
        .service
        .canary_list(None, 9)
        .await
        .unwrap()
        .results
        .into_iter()
        .map(|canary| canary.id)
        .collect();
    assert_eq!(left, ["kept"]);
}

#[tokio::test]
async fn configure_does_nothing_without_definitions() {
    let store = MemoryStore::new();
    let done = configure(&store, &[], Timestamp::from_millis(0)).await.unwrap();
    assert_eq!(done, Configured::default());
}

miroir_ports::wrap_store!(RestlessStore);

/// A store in which every canary changes before a canary is put.
struct RestlessStore {
    inner: Arc<dyn TaskStore>,
}

impl RestlessStore {
    async fn call<T>(
        &self,
        method: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        if method == "canary_put" {
            for canary in self.inner.canary_list(None, 9).await? {
                self.inner.canary_put(&canary).await?;
            }
        }
        work.await
    }
}

#[tokio::test]
async fn configure_is_contended_while_a_canary_keeps_changing() {
    let store = RestlessStore { inner: Arc::new(MemoryStore::new()) };
    let apply = |name: &str| {
        let definitions = [definition(json!({ "id": "a", "name": name }))];
        let store = &store;
        async move { configure(store, &definitions, Timestamp::from_millis(0)).await }
    };
    assert_eq!(apply("n").await.unwrap().created, 1);
    let refused = apply("other").await.unwrap_err();
    assert!(matches!(refused, StoreError::Contended(_)) && refused.retryable(), "{refused}");
}
