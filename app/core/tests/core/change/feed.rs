//! The feed: pages, waiting readers and invalid positions.

use std::sync::Arc;
use std::time::Duration;

use miroir_domain::alias::NewAlias;
use miroir_domain::change::{FeedPosition, Origin};
use miroir_domain::error::ErrorCode;
use miroir_ports::inbound::{AliasApi as _, ApiError, ChangeFeed as _, ChangesPage, ChangesQuery};
use serde_json::json;
use tokio::time::Instant;

use super::trio;
use crate::support::{Bench, Layout, films, rules, uid};

fn layout() -> Layout {
    trio().with_sink(rules("feed"), None)
}

async fn read(bench: &Bench, since: Option<u64>, limit: u32, wait_s: u64) -> Result<ChangesPage, ApiError> {
    let wait = Duration::from_secs(wait_s);
    let since = since.map(|seq| FeedPosition { epoch: None, seq });
    bench.feed.changes(ChangesQuery { index: uid("films"), since, limit, wait }).await
}

fn ids(page: &ChangesPage) -> Vec<&str> {
    page.results.iter().map(|event| event["id"].as_str().unwrap()).collect()
}

fn refusal(result: Result<ChangesPage, ApiError>) -> (ErrorCode, String) {
    match result {
        Err(ApiError::Refused { code, message }) => (code, message),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn feed_returns_pages_and_then_waits() {
    let bench = Bench::running(layout());
    for id in 0..5 {
        bench.written("films", films(id, id + 1)).await;
    }
    let first = read(&bench, None, 2, 0).await.unwrap();
    assert_eq!((ids(&first), first.next, first.last), (vec!["films:1:1", "films:1:2"], 2, 5));
    let rest = read(&bench, Some(first.next), 10, 0).await.unwrap();
    assert_eq!((ids(&rest), rest.next), (vec!["films:1:3", "films:1:4", "films:1:5"], 5));
    assert_eq!(read(&bench, Some(2), 10, 0).await.unwrap(), rest, "reading does not remove events");
    let began = Instant::now();
    let nothing = read(&bench, Some(5), 10, 7).await.unwrap();
    assert_eq!((ids(&nothing), nothing.next), (vec![], 5));
    assert_eq!(began.elapsed(), Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn waiting_reader_receives_the_next_write() {
    let bench = Arc::new(Bench::running(layout()));
    bench.written("films", films(0, 1)).await;
    let waiting = tokio::spawn({
        let bench = Arc::clone(&bench);
        async move { read(&bench, Some(1), 10, 25).await.unwrap() }
    });
    tokio::time::sleep(Duration::from_secs(3)).await;
    bench.written("books", films(0, 1)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!waiting.is_finished(), "a write to another index does not end the wait");
    let began = Instant::now();
    bench.written("films", films(1, 2)).await;
    assert_eq!(ids(&waiting.await.unwrap()), ["films:1:2"]);
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn feed_limits_the_wait_of_a_reader() {
    let bench = Bench::running(layout());
    let began = Instant::now();
    read(&bench, None, 10, 3_600).await.unwrap();
    assert_eq!(began.elapsed(), Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn feed_refuses_positions_without_events() {
    let bench = Bench::running(Layout { outbox_bytes: 1_000, ..layout() });
    for id in 0..20 {
        bench.written("films", films(id, id + 1)).await;
    }
    let oldest = read(&bench, None, 1, 0).await.unwrap().next;
    assert!(oldest > 10, "{oldest}");
    let (code, message) = refusal(read(&bench, Some(oldest - 2), 10, 0).await);
    assert_eq!(code, ErrorCode::MiroirChangesTrimmed);
    assert!(message.contains(&format!("is {oldest}")), "{message}");
    let on = read(&bench, Some(oldest - 1), 1, 0).await.unwrap();
    assert_eq!(on.next, oldest);
    let (code, message) = refusal(read(&bench, Some(21), 10, 0).await);
    assert_eq!(code, ErrorCode::MiroirInvalidChangePosition);
    assert!(message.contains("the last change is 20"), "{message}");
    let (code, _) = refusal(read(&bench, Some(u64::MAX), 10, 0).await);
    assert_eq!(code, ErrorCode::MiroirInvalidChangePosition);
}

#[tokio::test(start_paused = true)]
async fn feed_refuses_an_alias() {
    let bench = Bench::running(layout());
    bench.written("films_1", films(0, 1)).await;
    let alias = NewAlias::from_json(json!({ "name": "films", "target": "films_1" })).unwrap();
    bench.alias.alias_create(alias).await.unwrap();
    let (code, message) = refusal(read(&bench, None, 10, 0).await);
    assert_eq!(code, ErrorCode::MiroirInvalidChangePosition);
    assert!(message.contains("`films_1`"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn feed_is_refused_unless_it_is_configured() {
    let bench = Bench::running(trio());
    let (code, message) = refusal(read(&bench, None, 10, 0).await);
    assert_eq!(code, ErrorCode::MiroirSinkNotFound);
    assert!(message.contains("cdc.sinks"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn waiting_reader_receives_an_empty_page_when_the_server_stops() {
    let bench = Arc::new(Bench::running(layout()));
    let waiting = tokio::spawn({
        let bench = Arc::clone(&bench);
        async move { read(&bench, None, 10, 30).await.unwrap() }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    bench.stop();
    assert_eq!(ids(&waiting.await.unwrap()), Vec::<&str>::new());
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn feed_suppresses_events_of_other_origins() {
    let mut repairs_only = rules("feed");
    repairs_only.origins = [Origin::Repair].into();
    let bench = Bench::running(trio().with_sink(repairs_only, None));
    bench.written("films", films(0, 1)).await;
    assert_eq!(read(&bench, None, 10, 0).await.unwrap().last, 0);
    assert_eq!(super::view(&bench, "feed").await.suppressed, 1);
}
