//! Two instances on one Redis server, one flipping, the other searching.
//!
//! They are put together here from the parts of a server, each with a connection and a memory of its own: as processes, the
//! second would stand by until the first is gone.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use miroir::alias::{AliasBook, AliasService, Aliased};
use miroir::config::Config;
use miroir::metrics::Metrics;
use miroir::service::SearchService;
use miroir::wiring::{self, Outside};
use miroir_domain::alias::{AliasChange, NewAlias};
use miroir_domain::search::SearchRequest;
use miroir_domain::{IndexUid, Timestamp};
use miroir_e2e::Cluster;
use miroir_ports::inbound::{AliasApi, SearchApi};
use miroir_redis::{RedisOptions, RedisStore};
use miroir_test_redis::RedisServer;
use serde_json::{Value, json};
use tokio::time::Instant;

const FLIPS: u32 = 20;
const SEARCHERS: usize = 8;
/// Within what time another instance must follow.
const PROMISE: Duration = Duration::from_secs(1);

fn uid(name: &str) -> IndexUid {
    name.parse().unwrap()
}

/// The part of an instance that this is about.
struct Instance {
    alias: AliasService,
    searches: Arc<Aliased<SearchService>>,
}

async fn instance(config: &Config, url: &str) -> Instance {
    let store = RedisStore::open(RedisOptions::new(url)).await.unwrap();
    let metrics = Arc::new(Metrics::new(Timestamp::from_millis(0)).unwrap());
    let Outside { cluster, .. } = wiring::connect(config, Arc::new(store), &metrics).unwrap();
    let book = Arc::new(AliasBook::new(Arc::clone(&cluster.store)));
    let search = Arc::new(SearchService::new(Arc::clone(&cluster)));
    Instance {
        alias: AliasService::new(cluster, Arc::clone(&book)),
        searches: Arc::new(Aliased::new(&book, search)),
    }
}

/// The one home that all hits have.
async fn home(searches: &Aliased<SearchService>) -> String {
    let request = SearchRequest::from_json(json!({ "limit": 100 })).unwrap();
    let body = searches.search(uid("films"), request).await.unwrap().body;
    let hits = body["hits"].as_array().unwrap();
    let homes: HashSet<&str> = hits.iter().map(|hit| hit["home"].as_str().unwrap()).collect();
    assert_eq!((hits.len(), homes.len()), (20, 1), "a mixture: {body}");
    homes.into_iter().next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn other_instance_follows_a_flip_within_a_second() {
    let server = RedisServer::start();
    let mut cluster = Cluster::builder().nodes(3).redis(&server.url()).start().await.unwrap();
    let client = cluster.client();
    for index in ["v1", "v2"] {
        let documents: Value = (0..20).map(|id| json!({ "id": id, "home": index })).collect();
        let path = format!("/indexes/{index}/documents?primaryKey=id");
        assert_eq!(client.write("POST", &path, documents).await.unwrap()["status"], "succeeded");
    }
    let nodes: Value =
        cluster.nodes().iter().map(|node| json!({ "id": node.id(), "url": node.url() })).collect();
    let config: Config = serde_json::from_value(json!({ "nodes": nodes })).unwrap();
    let one = instance(&config, &server.url()).await;
    let other = instance(&config, &server.url()).await;
    let new = NewAlias::from_json(json!({ "name": "films", "target": "v1" })).unwrap();
    one.alias.alias_create(new).await.unwrap();

    let searchers: Vec<_> = (0..SEARCHERS)
        .map(|_| {
            let searches = Arc::clone(&other.searches);
            tokio::spawn(async move {
                let mut count = 0_u32;
                loop {
                    home(&searches).await;
                    count += 1;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    if count == 50 {
                        return count;
                    }
                }
            })
        })
        .collect();
    let mut slowest = Duration::ZERO;
    for flip in 0..FLIPS {
        let target = if flip % 2 == 0 { "v2" } else { "v1" };
        let change = AliasChange::from_json(json!({ "target": target })).unwrap();
        one.alias.alias_flip(uid("films"), change, None).await.unwrap();
        let acknowledged = Instant::now();
        assert_eq!(home(&one.searches).await, target);
        // Counted from the beginning of the first search that saw it: how long a search takes is another matter.
        let follows = loop {
            let begun = acknowledged.elapsed();
            if home(&other.searches).await == target {
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
