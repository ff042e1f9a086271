//! A receiver whose outage is longer than the outbox lasts.

use std::time::Duration;

use miroir_e2e::{Client, Ledger, Receiver, until};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::{cluster, sink, webhook, write};

/// Number of concurrent writers.
const WRITERS: usize = 8;
/// Number of rounds, alternately with the receiver up and down.
const ROUNDS: usize = 6;
/// Number of writes of each writer in a round.
const WRITES: usize = 20;

/// Writes one round and returns its duration.
async fn round(client: &Client, number: usize) -> Duration {
    let began = Instant::now();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let client = client.clone();
        writers.spawn(async move {
            for write in 0..WRITES {
                let id = (number * WRITERS + writer) * WRITES + write;
                let path = "/indexes/films/documents?primaryKey=id";
                client.call("POST", path, json!([{ "id": id }])).await.unwrap().expect(202).unwrap();
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    began.elapsed()
}

async fn idle(client: &Client) {
    until("every task has ended", || async {
        let open = client.get("/tasks?statuses=enqueued,processing&limit=1").await.unwrap();
        (open.body["total"] == 0).then_some(())
    })
    .await;
}

/// Writes are as fast as before, lost changes are counted, and the receiver gets their numbers.
#[tokio::test(flavor = "multi_thread")]
async fn long_outage_of_a_receiver_slows_no_writes_and_reports_lost_changes() {
    let ledger = Ledger::default();
    let mut receiver = Receiver::start(ledger.clone()).await;
    let budget = json!({ "cdc": { "outbox_bytes": 10_000, "keep_confirmed": 0 } });
    let mut cluster =
        cluster(&json!([webhook(&receiver.url())])).configuration(budget).start().await.unwrap();
    let client = cluster.client();
    write(&client, 1_000_000).await;
    let (mut there, mut away) = (Duration::ZERO, Duration::ZERO);
    for number in 0..ROUNDS {
        if number % 2 == 0 {
            there += round(&client, number).await;
        } else {
            receiver.kill().await;
            away += round(&client, number).await;
            idle(&client).await;
            receiver.launch_again().await;
        }
        idle(&client).await;
    }
    // One more change after all gaps.
    write(&client, 1_000_001).await;
    let view = until("the receiver has caught up", || async {
        let view = sink(&client, "hook").await;
        (view["lag"] == 0).then_some(view)
    })
    .await;
    let entries = ledger.entries();
    let lost: u64 = entries.gaps.iter().map(|(from, to)| to - from + 1).sum();
    let total = (ROUNDS * WRITERS * WRITES + 2) as u64;
    assert!(lost > 0, "{view}");
    assert_eq!(entries.ids.len() as u64 + lost, total, "every change is delivered or reported as lost");
    // A change that was dropped during its delivery may have arrived. It is counted as dropped and is not
    // part of a gap.
    assert!(view["dropped"].as_u64().unwrap() >= lost, "{lost}: {view}");
    assert!(view["backlogBytes"].as_u64().unwrap() <= 10_000, "{view}");
    println!(
        "{} writes: {there:?} with the receiver up, {away:?} with it down, {:.2} times as long; {lost} lost in {} gaps",
        ROUNDS * WRITERS * WRITES,
        away.as_secs_f64() / there.as_secs_f64(),
        entries.gaps.len()
    );
    cluster.miroir().terminate().await.unwrap();
}
