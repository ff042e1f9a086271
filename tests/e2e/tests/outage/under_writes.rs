//! A node that missed writes is repaired while a client writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use miroir_e2e::{Client, Cluster, NODE_KIND};
use serde_json::{Value, json};

use crate::fixture::{on_node, until_in_sync, until_status};

const SHARDS: u32 = 4;
const DOCUMENTS: u64 = 12_000;
const BATCH: u64 = 3_000;
const DELETED: u64 = 50;
/// The pause of the writer. A real node carries out about ten such writes a second: a queue that only grows
/// would hide the repair, each page of which waits for it.
const PAUSE: Duration = Duration::from_millis(if cfg!(feature = "real") { 200 } else { 0 });
/// The upper bound of a bucket, in seconds. A repair holds writes for less than 100 ms; the next bucket
/// leaves room for a machine that runs other tests.
const BUCKET: &str = "0.25";

fn document(id: u64, version: u64) -> Value {
    json!({ "id": id, "title": format!("document number {id}"), "version": version, "weight": 0.1, "none": null })
}

async fn write(client: &Client, body: Value) {
    let task = client.write("POST", "/indexes/large/documents", body).await.unwrap();
    assert_eq!(task["status"], "succeeded", "{task}");
}

/// Returns the value of a series on the page of metrics.
fn value(page: &str, series: &str) -> f64 {
    let line =
        page.lines().find(|line| line.starts_with(series)).unwrap_or_else(|| panic!("{series}: {page}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// Returns the documents of a node, in the order of their ids.
async fn documents(cluster: &mut Cluster, position: usize) -> Vec<Value> {
    let path = "/indexes/large/documents?limit=100000";
    let mut all = on_node(cluster.node(position), path).await["results"].take();
    let all = all.as_array_mut().unwrap();
    all.sort_by_key(|document| document["id"].as_u64());
    std::mem::take(all)
}

#[tokio::test]
async fn large_shards_are_repaired_while_single_writes_go_on() {
    let cluster = Cluster::builder().kind(NODE_KIND).nodes(2).replication_factor(2).shard_count(SHARDS);
    let quorum = json!({ "cluster": { "write_quorum": 1 }, "repair": { "max_documents_per_second": 0 } });
    let mut cluster = cluster.configuration(quorum).start().await.unwrap();
    let client = cluster.client();
    for batch in 0..DOCUMENTS / BATCH {
        let first = batch * BATCH;
        write(&client, (first..first + BATCH).map(|id| document(id, 0)).collect()).await;
    }
    cluster.node(1).kill().await.unwrap();
    // One write to each shard, among them a deletion.
    write(&client, (0..40).map(|id| document(id, 1)).collect()).await;
    client.write("DELETE", &format!("/indexes/large/documents/{DELETED}"), Value::Null).await.unwrap();
    cluster.node(1).restart().await.unwrap();
    until_status(&client, "node-2", "healthy").await;

    let is_over = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (client, is_over) = (client.clone(), Arc::clone(&is_over));
        async move {
            let mut last = 0;
            for number in 2_u64.. {
                // Some documents again and again, and others once.
                let id = if number.is_multiple_of(2) { number % 6 } else { (number * 7) % DOCUMENTS };
                if id == DELETED {
                    continue;
                }
                let body = json!([document(id, number)]);
                let response = client.call("POST", "/indexes/large/documents", body).await.unwrap();
                assert_eq!(response.status, 202, "{}", response.body);
                last = response.body["taskUid"].as_u64().unwrap();
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                tokio::time::sleep(PAUSE).await;
            }
            last
        }
    });
    until_in_sync(&client).await;
    is_over.store(true, Ordering::Relaxed);
    let last = writer.await.unwrap();
    client.wait_for_task(last).await.unwrap();

    let (one, other) = (documents(&mut cluster, 0).await, documents(&mut cluster, 1).await);
    assert_eq!(one.len() as u64, DOCUMENTS - 1);
    assert!(one == other, "the copies differ");
    let page = client.get("/_miroir/metrics").await.unwrap().expect(200).unwrap();
    let page = page.as_str().unwrap();
    let holds = value(page, "miroir_repair_hold_seconds_count");
    let short = value(page, &format!("miroir_repair_hold_seconds_bucket{{le=\"{BUCKET}\"}}"));
    assert!(holds > 0.0);
    assert!((short - holds).abs() < 0.5, "{short} of {holds} holds are below {BUCKET} s: {page}");
    let copied = value(page, "miroir_repair_documents_copied_total");
    assert!((20.0..6_000.0).contains(&copied), "only what differs is copied, not {copied} documents");
}
