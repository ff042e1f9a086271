//! Consumers, NATS and Miroir are killed at random while clients write: every consumer ends with exactly the
//! changes that took effect, in order.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use miroir_e2e::{Client, ClusterBuilder, Entries, Ledger, Receiver, took_effect, until};
use miroir_test_nats::NatsServer;
use miroir_test_redis::RedisServer;
use serde_json::json;
use tokio::task::JoinSet;

use crate::{cluster, feed, queue, sink, webhook};

/// Number of concurrent writers.
const WRITERS: usize = 16;
/// Pause between two kills.
const PEACE: Duration = Duration::from_millis(300);

/// Returns the number of writes, which `MIROIR_CHANGES` sets.
fn writes() -> usize {
    std::env::var("MIROIR_CHANGES").map_or(400, |text| text.parse().expect("MIROIR_CHANGES is a number"))
}

/// Writes until `count` writes are accepted. Refused writes, and those without a response, may have taken
/// effect too.
async fn write_all(client: &Client, count: usize) {
    let (next, accepted) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (client, next, accepted) = (client.clone(), Arc::clone(&next), Arc::clone(&accepted));
        writers.spawn(async move {
            while accepted.load(Ordering::Relaxed) < count {
                let id = next.fetch_add(1, Ordering::Relaxed);
                let path = "/indexes/films/documents?primaryKey=id";
                match client.call("POST", path, json!([{ "id": id }])).await {
                    Ok(response) if response.status == 202 => _ = accepted.fetch_add(1, Ordering::Relaxed),
                    // Miroir is down for a moment.
                    Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
}

async fn storm(on: impl FnOnce(ClusterBuilder) -> ClusterBuilder, name: &str) {
    let mut nats = NatsServer::start();
    queue::create(&nats).await;
    let ledgers = ["hook", "bus", "feed"].map(|name| (name, Ledger::default()));
    let [hook, bus, read] = ledgers.each_ref().map(|(_, ledger)| ledger.clone());
    let mut receiver = Receiver::start(hook).await;
    let sinks = json!([
        webhook(&receiver.url()),
        { "name": "bus", "kind": "nats", "url": nats.url(), "batch_delay_ms": 20, "retry_min_ms": 20,
          "retry_max_ms": 200, "timeout_ms": 2_000 },
        { "name": "feed", "kind": "internal" },
    ]);
    let mut miroir = on(cluster(&sinks)).start().await.unwrap();
    let client = miroir.client();

    let done = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let (client, done) = (client.clone(), Arc::clone(&done));
        async move {
            write_all(&client, writes()).await;
            done.store(true, Ordering::Relaxed);
        }
    });
    let mut consumer = queue::start(nats.url(), bus.clone());
    let mut reader = feed::start(client.clone(), read.clone());
    let mut kills = 0;
    while !done.load(Ordering::Relaxed) {
        tokio::time::sleep(PEACE).await;
        match kills % 5 {
            0 | 3 => {
                receiver.kill().await;
                tokio::time::sleep(PEACE / 2).await;
                receiver.launch_again().await;
            }
            1 => {
                consumer.abort();
                reader.abort();
                let _ = (consumer.await, reader.await);
                consumer = queue::start(nats.url(), bus.clone());
                reader = feed::start(client.clone(), read.clone());
            }
            2 => {
                nats.kill();
                tokio::time::sleep(PEACE / 2).await;
                nats.launch_again();
            }
            // Rare, since the restart takes long.
            _ if kills % 15 == 4 => {
                miroir.miroir().kill().await.unwrap();
                miroir.miroir().start().await.unwrap();
            }
            _ => {}
        }
        kills += 1;
    }
    writing.await.unwrap();
    let expected = took_effect(&client).await;
    for (sink_name, ledger) in &ledgers {
        until(&format!("{sink_name} has everything"), || async {
            (ledger.entries().tasks.len() >= expected.len()).then_some(())
        })
        .await;
        check(name, sink_name, &ledger.entries(), &expected);
    }
    for sink_name in ["hook", "bus"] {
        let view = until(&format!("{sink_name} is confirmed"), || async {
            let view = sink(&client, sink_name).await;
            (view["lag"] == 0).then_some(view)
        })
        .await;
        assert_eq!(view["dropped"], 0, "{view}");
    }
    assert!(!consumer.is_finished() && !reader.is_finished(), "no consumer found an error in its events");
    println!("{name}: {} writes took effect, {kills} kills", expected.len());
}

fn check(name: &str, sink_name: &str, entries: &Entries, expected: &BTreeSet<u64>) {
    assert_eq!(&entries.tasks, expected, "{name}, {sink_name}: exactly the changes that took effect");
    assert_eq!(entries.ids.len(), expected.len(), "{name}, {sink_name}: one number for each change");
    assert!(entries.gaps.is_empty(), "{name}, {sink_name}: {:?}", entries.gaps);
    println!("{name}, {sink_name}: {} changes, {} duplicates", entries.ids.len(), entries.duplicates);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_consumers_end_with_exactly_the_changes_on_sqlite() {
    storm(|cluster| cluster, "SQLite").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_consumers_end_with_exactly_the_changes_on_redis() {
    let server = RedisServer::durable();
    storm(|cluster| cluster.redis(&server.url()), "Redis").await;
}
