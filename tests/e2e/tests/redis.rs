//! A Miroir with its store on a Redis server.

use std::time::Duration;

use miroir_e2e::{Client, Cluster, ClusterBuilder, until};
use miroir_test_redis::RedisServer;
use serde_json::{Value, json};

fn on(server: &RedisServer) -> ClusterBuilder {
    let impatient = json!({ "store": { "redis": { "connect_timeout_ms": 500 } } });
    Cluster::builder().nodes(3).replication_factor(2).redis(&server.url()).configuration(impatient)
}

async fn add(client: &Client, id: u64) -> Value {
    let documents = json!([{ "id": id }]);
    client.write("POST", "/indexes/films/documents?primaryKey=id", documents).await.unwrap()
}

async fn found(client: &Client) -> u64 {
    let response = client.call("POST", "/indexes/films/search", json!({ "limit": 0 })).await.unwrap();
    response.expect(200).unwrap()["estimatedTotalHits"].as_u64().unwrap()
}

#[tokio::test]
async fn tasks_and_documents_survive_a_killed_miroir() {
    let server = RedisServer::start();
    let mut cluster = on(&server).start().await.unwrap();
    let client = cluster.client();
    for id in 0..10 {
        assert_eq!(add(&client, id).await["status"], "succeeded");
    }
    cluster.miroir().kill().await.unwrap();
    // The next Miroir waits for the lease of the killed one to expire.
    cluster.miroir().start().await.unwrap();
    assert_eq!(found(&client).await, 10);
    let tasks = client.get("/tasks?statuses=succeeded&limit=3").await.unwrap().expect(200).unwrap();
    assert_eq!(tasks["results"].as_array().unwrap().len(), 3);
    assert!(tasks["total"].as_u64().unwrap() >= 10, "{tasks}");
    let begun = tokio::time::Instant::now();
    assert!(cluster.miroir().terminate().await.unwrap().success());
    cluster.miroir().start().await.unwrap();
    println!("a terminated Miroir was replaced after {:?}", begun.elapsed());
    assert_eq!(add(&client, 10).await["status"], "succeeded");
    assert_eq!(found(&client).await, 11);
}

#[tokio::test]
async fn readiness_follows_the_server() {
    let mut server = RedisServer::durable();
    let mut cluster = on(&server).start().await.unwrap();
    let client = cluster.client();
    assert_eq!(add(&client, 1).await["status"], "succeeded");
    server.kill();
    let ready = |status: u16| {
        let client = client.clone();
        move || {
            let client = client.clone();
            async move { (client.get("/_miroir/ready?for=writes").await.ok()?.status == status).then_some(()) }
        }
    };
    until("Miroir is not ready", ready(503)).await;
    // A scrape succeeds without the metrics of the store.
    let metrics = client.get("/_miroir/metrics").await.unwrap().expect(200).unwrap();
    let metrics = metrics.as_str().unwrap();
    assert!(metrics.contains("\nmiroir_store_up 0\n"), "{metrics}");
    assert!(metrics.contains("\nmiroir_node_up{") && !metrics.contains("\nmiroir_tasks{"), "{metrics}");
    let refused = client.call("POST", "/indexes/films/documents", json!([{ "id": 2 }])).await.unwrap();
    assert_eq!(refused.status, 503, "{}", refused.body);
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.launch_again();
    until("Miroir is ready", ready(200)).await;
    assert_eq!(add(&client, 3).await["status"], "succeeded");
    assert_eq!(found(&client).await, 2);
    let metrics = client.get("/_miroir/metrics").await.unwrap().expect(200).unwrap();
    let metrics = metrics.as_str().unwrap();
    assert!(metrics.contains("\nmiroir_store_up 1\n") && metrics.contains("\nmiroir_tasks{"), "{metrics}");
    assert!(metrics.contains("miroir_store_call_duration_seconds_count{backend=\"redis\""), "{metrics}");
    assert!(cluster.miroir().terminate().await.unwrap().success());
}
