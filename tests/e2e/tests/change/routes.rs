//! Every route of change data capture, end to end.

use std::time::Duration;

use miroir_e2e::{Client, ClusterBuilder, Ledger, Receiver, Response, until};
use miroir_test_redis::RedisServer;
use serde_json::{Value, json};

use crate::{cluster, get, sink, webhook, write};

async fn post(client: &Client, path: &str, body: Value) -> Response {
    client.call("POST", &format!("/_miroir/cdc/sinks/{path}"), body).await.unwrap()
}

/// Waits until the sink has confirmed the changes of `films` up to `seq`.
async fn confirmed(client: &Client, seq: u64) -> Value {
    until("the sink has confirmed", || async {
        let view = sink(client, "hook").await;
        let films = view["indexes"].as_array().unwrap().iter().find(|index| index["index"] == "films");
        (films.is_some_and(|films| films["confirmed"] == seq)).then_some(view)
    })
    .await
}

/// Reads server-sent events until the one with the id `last`, and returns the ids.
async fn events_until(client: &Client, last: &str) -> Vec<String> {
    let request = client.request("GET", "/_miroir/changes?index=films").unwrap();
    let request = request.header("Accept", "text/event-stream").header("Last-Event-ID", "1");
    let mut response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    loop {
        let ids: Vec<String> =
            text.lines().filter_map(|line| line.strip_prefix("id:")).map(|id| id.trim().to_owned()).collect();
        if ids.last().is_some_and(|id| id == last) {
            return ids;
        }
        let chunk = tokio::time::timeout(Duration::from_secs(30), response.chunk()).await;
        let chunk = chunk.expect("an event within the timeout").unwrap().expect("the stream continues");
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
}

async fn every_route(on: impl FnOnce(ClusterBuilder) -> ClusterBuilder) {
    let ledger = Ledger::default();
    let receiver = Receiver::start(ledger.clone()).await;
    let mut feed = json!({ "name": "feed", "kind": "internal", "documents": true });
    feed["batch_delay_ms"] = json!(0);
    let mut cluster = on(cluster(&json!([webhook(&receiver.url()), feed]))).start().await.unwrap();
    let client = cluster.client();
    let none = get(&client, "/_miroir/changes?index=films&wait=0").await;
    assert_eq!(none, json!({ "results": [], "epoch": 1, "next": 0, "last": 0 }));

    // A reader waits for changes that are written after its request.
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { get(&client, "/_miroir/changes?index=films&wait=20").await }
    });
    write(&client, 1).await;
    let page = waiting.await.unwrap();
    let event = &page["results"][0];
    assert_eq!(
        (&event["id"], &event["type"]),
        (&json!("films:1:1"), &json!("io.miroir.document.upserted")),
        "{page}"
    );
    assert_eq!(event["data"]["documents"], json!([{ "id": 1 }]), "{page}");
    let task = get(&client, &format!("/tasks/{}", event["data"]["taskUid"])).await;
    assert_eq!((&task["status"], &task["finishedAt"]), (&json!("succeeded"), &event["time"]), "{task}");
    for id in 2..=4 {
        write(&client, id).await;
    }
    let deletion = client.write("DELETE", "/indexes/films/documents/2", Value::Null).await.unwrap();
    assert_eq!(deletion["status"], "succeeded");
    let rest = get(&client, "/_miroir/changes?index=films&since=3&limit=1").await;
    assert_eq!(
        (&rest["results"][0]["id"], &rest["next"], &rest["last"]),
        (&json!("films:1:4"), &json!(4), &json!(5))
    );
    assert_eq!(events_until(&client, "1:5").await, ["1:2", "1:3", "1:4", "1:5"]);
    let ahead = client.get("/_miroir/changes?index=films&since=6").await.unwrap();
    assert_eq!((ahead.status, &ahead.body["code"]), (400, &json!("miroir_invalid_change_position")));

    // The sink is paused, resumed and rewound.
    let view = confirmed(&client, 5).await;
    assert_eq!(
        (&view["state"], &view["kind"], &view["dropped"]),
        (&json!("active"), &json!("webhook"), &json!(0))
    );
    let paused = post(&client, "hook/pause", Value::Null).await.expect(200).unwrap();
    assert_eq!(paused["state"], "paused");
    write(&client, 5).await;
    assert_eq!(sink(&client, "hook").await["lag"], 1);
    // Pauses and positions survive a restart.
    cluster.miroir().terminate().await.unwrap();
    cluster.miroir().start().await.unwrap();
    let view = sink(&client, "hook").await;
    assert_eq!((&view["state"], &view["lag"]), (&json!("paused"), &json!(1)), "{view}");
    post(&client, "hook/resume", Value::Null).await.expect(200).unwrap();
    confirmed(&client, 6).await;
    assert_eq!(ledger.entries().duplicates, 0);
    let rewind = |since: u64| json!({ "index": "films", "since": since });
    post(&client, "hook/rewind", rewind(2)).await.expect(200).unwrap();
    confirmed(&client, 6).await;
    assert_eq!(ledger.entries().duplicates, 4);

    let refusals = [
        ("hook/rewind", rewind(7), 400, "miroir_invalid_change_position"),
        ("hook/rewind", json!({ "index": "films" }), 400, "bad_request"),
        ("feed/rewind", rewind(1), 409, "miroir_sink_conflict"),
        ("feed/pause", Value::Null, 409, "miroir_sink_conflict"),
        ("absent/resume", Value::Null, 404, "miroir_sink_not_found"),
    ];
    for (path, body, status, code) in refusals {
        let refused = post(&client, path, body).await;
        assert_eq!(
            (refused.status, &refused.body["code"]),
            (status, &json!(code)),
            "{path}: {}",
            refused.body
        );
    }

    // Runs of canaries are delivered to sinks that subscribe to them.
    let canary = json!({
        "id": "any", "name": "Any", "index": "films", "intervalSeconds": 86_400, "query": { "q": "" },
        "assertions": [{ "type": "min_hits", "value": 1_000 }],
    });
    client.call("POST", "/_miroir/canaries", canary).await.unwrap().expect(201).unwrap();
    client.call("POST", "/_miroir/canaries/any/run", Value::Null).await.unwrap().expect(200).unwrap();
    until("the run is delivered", || async { (ledger.last("films") >= Some(7)).then_some(()) }).await;
    assert_eq!(
        get(&client, "/_miroir/changes?index=films&wait=0").await["last"],
        6,
        "the feed does not subscribe to runs"
    );
    cluster.miroir().terminate().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_on_sqlite() {
    every_route(|cluster| cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_on_redis() {
    let server = RedisServer::start();
    every_route(|cluster| cluster.redis(&server.url())).await;
}
