//! Outages of the Redis server.

use std::time::Duration;

use miroir_e2e::{Client, until};
use miroir_test_redis::RedisServer;
use serde_json::json;

use crate::fixture::{LEASE, Together, add, found};

async fn until_ready_is(client: &Client, status: u16) {
    until(&format!("{} responds with {status}", client.base_url()), || async {
        (client.get("/_miroir/ready").await.ok()?.status == status).then_some(())
    })
    .await;
}

/// An outage longer than a lease, so that every role is lost.
#[tokio::test]
async fn readiness_of_both_follows_the_server_and_both_recover() {
    let mut together = Together::over(RedisServer::durable(), &["one", "two"], json!({})).await;
    let clients = [together.client(0), together.client(1)];
    assert_eq!(add(&clients[0], 1).await["status"], "succeeded");
    together.server.kill();
    for client in &clients {
        until_ready_is(client, 503).await;
        assert_eq!(client.get("/health").await.unwrap().status, 200);
    }
    tokio::time::sleep(LEASE + Duration::from_secs(2)).await;
    for client in &clients {
        let refused = client.call("POST", "/indexes/films/documents", json!([{ "id": 2 }])).await.unwrap();
        assert_eq!(refused.status, 503, "{}", refused.body);
        assert!(refused.header("retry-after").is_some());
    }
    together.server.launch_again();
    for (position, client) in clients.iter().enumerate() {
        until_ready_is(client, 200).await;
        assert_eq!(add(client, 3 + position as u64).await["status"], "succeeded");
    }
    for client in &clients {
        assert_eq!(found(client).await, 3);
    }
    for instance in &mut together.instances {
        assert!(instance.terminate().await.unwrap().success());
    }
}

/// A short outage, during which no role is lost.
#[tokio::test]
async fn writes_continue_after_a_short_outage_of_the_server() {
    let mut together = Together::over(RedisServer::durable(), &["one", "two"], json!({})).await;
    let client = together.client(1);
    assert_eq!(add(&client, 1).await["status"], "succeeded");
    together.server.kill();
    together.server.launch_again();
    until("a write is accepted", || async {
        let response = client.call("POST", "/indexes/films/documents", json!([{ "id": 2 }])).await.ok()?;
        (response.status == 202).then_some(())
    })
    .await;
    assert_eq!(add(&client, 3).await["status"], "succeeded");
    assert_eq!(found(&client).await, 3);
}
