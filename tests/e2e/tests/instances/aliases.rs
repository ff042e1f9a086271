//! One instance flips an alias, another searches.

use std::collections::HashSet;
use std::time::Duration;

use miroir_e2e::Client;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::fixture::Together;

const FLIPS: u32 = 20;
const SEARCHERS: usize = 8;
/// Time within which another instance must follow.
const PROMISE: Duration = Duration::from_secs(1);

/// Returns the index that all hits name.
async fn home(client: &Client) -> String {
    let response = client.call("POST", "/indexes/films/search", json!({ "limit": 100 })).await.unwrap();
    let body = response.expect(200).unwrap();
    let hits = body["hits"].as_array().unwrap();
    let homes: HashSet<&str> = hits.iter().map(|hit| hit["home"].as_str().unwrap()).collect();
    assert_eq!((hits.len(), homes.len()), (20, 1), "hits of several indexes: {body}");
    homes.into_iter().next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn other_instance_follows_a_flip_within_a_second() {
    let together = Together::start(&["one", "two"]).await;
    let leader = together.leader(0).await;
    let (one, other) = (together.client(leader), together.client(1 - leader));
    for index in ["v1", "v2"] {
        let documents: Value = (0..20).map(|id| json!({ "id": id, "home": index })).collect();
        let path = format!("/indexes/{index}/documents?primaryKey=id");
        assert_eq!(one.write("POST", &path, documents).await.unwrap()["status"], "succeeded");
    }
    let alias = json!({ "name": "films", "target": "v1" });
    one.call("POST", "/_miroir/aliases", alias).await.unwrap().expect(201).unwrap();
    let searchers: Vec<_> = (0..SEARCHERS)
        .map(|_| {
            let other = other.clone();
            tokio::spawn(async move {
                for _ in 0..50 {
                    home(&other).await;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            })
        })
        .collect();
    let mut slowest = Duration::ZERO;
    for flip in 0..FLIPS {
        let target = if flip % 2 == 0 { "v2" } else { "v1" };
        let change = json!({ "target": target });
        one.call("PUT", "/_miroir/aliases/films", change).await.unwrap().expect(200).unwrap();
        let acknowledged = Instant::now();
        assert_eq!(home(&one).await, target);
        // Measured from the start of the first search with the new target, to exclude the duration of
        // searches.
        let follows = loop {
            let begun = acknowledged.elapsed();
            if home(&other).await == target {
                break begun;
            }
            assert!(begun < PROMISE, "a search begun {begun:?} after flip {flip} saw the old target");
        };
        slowest = slowest.max(follows);
    }
    for searcher in searchers {
        searcher.await.unwrap();
    }
    println!("{FLIPS} flips; the other instance followed after {slowest:?} at the latest");
}
