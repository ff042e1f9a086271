//! An earlier version and this one side by side on one store, under load.

use std::time::Duration;

use anyhow::Result;
use miroir_e2e::{Client, previous_miroir, until};
use miroir_test_chaos::{Layout, Options, Processes, Report, State, Store, under_load};
use serde_json::{Value, json};
use tokio::time::sleep;

/// The time in which both versions, or one of them, serve.
const PHASE: Duration = Duration::from_secs(10);

/// Starts two instances of the earlier version, and lets `events` happen under load.
async fn upgraded(seed: u64, events: impl AsyncFnOnce(&State, &mut Processes) -> Result<()>) -> Report {
    let options = Options {
        seed,
        time: Duration::ZERO,
        store: Store::Redis,
        nodes: 3,
        layout: Layout::of(3, 1),
        program: Some(previous_miroir().unwrap()),
    };
    let report = under_load(&options, events).await.unwrap();
    eprintln!("{report:?}");
    assert_eq!(report.violations, Vec::<String>::new());
    report
}

async fn upgrade(processes: &mut Processes, instance: usize) -> Result<()> {
    let instance = processes.instance(instance);
    instance.upgrade().await?;
    instance.terminate().await?;
    instance.start().await
}

/// Replaces the instance `first` by this version, then the other one.
async fn replaced_in_turn(seed: u64, first: usize) {
    let report = upgraded(seed, async |_, processes| {
        sleep(PHASE).await;
        upgrade(processes, first).await?;
        sleep(PHASE).await;
        upgrade(processes, 1 - first).await?;
        sleep(PHASE).await;
        processes.until_repaired().await
    })
    .await;
    assert!(report.reads[0] > 100 && report.writes[0] > 100, "{report:?}");
    assert_eq!(report.reads[2], 0, "no read fails: {report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn follower_is_upgraded_before_the_leader() {
    replaced_in_turn(1, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leader_is_upgraded_before_the_follower() {
    replaced_in_turn(2, 0).await;
}

/// An earlier version takes the name of an index for its uid on the nodes, so the index keeps it as long as
/// one is there. Afterwards, an earlier version would take an index for another one, and is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn index_is_made_anew_beside_an_earlier_version_and_after_it() {
    upgraded(3, async |_, processes| {
        upgrade(processes, 0).await?;
        let clients = processes.clients();
        for (round, client) in clients.iter().enumerate() {
            make_anew(client, 2 + round as u64).await?;
            for reader in &clients {
                found(reader, 2 + round as u64).await;
            }
            assert_eq!(clients[0].physical_uid("anew").await?.as_deref(), Some("anew"));
        }
        upgrade(processes, 1).await?;
        let clients = processes.clients();
        make_anew(&clients[1], 7).await?;
        for reader in &clients {
            found(reader, 7).await;
        }
        assert_ne!(clients[0].physical_uid("anew").await?.as_deref(), Some("anew"));
        let instance = processes.instance(1);
        instance.terminate().await?;
        instance.use_program(&previous_miroir()?);
        let refused = format!("{:#}", instance.start().await.unwrap_err());
        assert!(refused.contains("version 2"), "{refused}");
        instance.upgrade().await?;
        instance.start().await?;
        processes.until_repaired().await
    })
    .await;
}

/// Deletes the index `anew`, if it is there, and makes it again with `documents`.
async fn make_anew(client: &Client, documents: u64) -> Result<()> {
    if client.get("/indexes/anew").await?.status == 200 {
        let task = client.write("DELETE", "/indexes/anew", Value::Null).await?;
        assert_eq!(task["status"], "succeeded", "{task}");
    }
    let documents: Vec<Value> = (0..documents).map(|id| json!({ "id": id })).collect();
    let task = client.write("POST", "/indexes/anew/documents?primaryKey=id", documents.into()).await?;
    assert_eq!(task["status"], "succeeded", "{task}");
    Ok(())
}

/// Waits until a search finds so many documents in `anew`. Another instance hears of an index a moment later.
async fn found(client: &Client, documents: u64) {
    until("the index is found", || async {
        let search = client.call("POST", "/indexes/anew/search", json!({ "limit": 0 })).await.ok()?;
        (search.body["estimatedTotalHits"] == documents).then_some(())
    })
    .await;
}
