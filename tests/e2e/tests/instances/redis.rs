//! Outages of the Redis server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use miroir_e2e::{Client, until};
use miroir_test_redis::RedisServer;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::fixture::{LEASE, Together, add, found};

async fn until_ready_is(client: &Client, status: u16) {
    until(&format!("{} responds with {status}", client.base_url()), || async {
        (client.get("/_miroir/ready?for=writes").await.ok()?.status == status).then_some(())
    })
    .await;
}

/// Reads through one instance, until it is stopped. Returns the number of reads that used the last known
/// registry. Any failed read is a panic.
fn read_all_the_time(client: Client, stopped: Arc<AtomicBool>, documents: u64) -> JoinHandle<usize> {
    tokio::spawn(async move {
        let mut aged = 0;
        while !stopped.load(Ordering::SeqCst) {
            for (method, path, body) in [
                ("POST", "/indexes/films/search", json!({ "limit": 0 })),
                ("GET", "/indexes/films/documents/1", Value::Null),
                ("POST", "/indexes/current/search", json!({ "limit": 0 })),
                ("GET", "/indexes/films/settings", Value::Null),
                ("GET", "/indexes", Value::Null),
            ] {
                let response = client.call(method, path, body).await.unwrap();
                assert_eq!(response.status, 200, "{method} {path}: {}", response.body);
                assert_eq!(response.header("x-miroir-degraded"), None);
                if path.ends_with("/search") {
                    assert_eq!(response.body["estimatedTotalHits"], documents);
                }
                aged += usize::from(response.header("x-miroir-registry-age").is_some());
            }
        }
        aged
    })
}

/// An outage of several leases, in which the leader gives up its role.
#[tokio::test]
async fn reads_continue_while_the_server_is_away() {
    let mut together = Together::over(RedisServer::durable(), &["one", "two"], json!({})).await;
    let clients = [together.client(0), together.client(1)];
    for id in 1..=3 {
        add(&clients[0], id).await;
    }
    let alias = json!({ "name": "current", "target": "films" });
    clients[0].call("POST", "/_miroir/aliases", alias).await.unwrap().expect(201).unwrap();
    // Everything is read again every few seconds.
    tokio::time::sleep(Duration::from_secs(6)).await;
    let stopped = Arc::new(AtomicBool::new(false));
    let readers = clients.each_ref().map(|client| read_all_the_time(client.clone(), Arc::clone(&stopped), 3));
    together.server.kill();
    for client in &clients {
        until_ready_is(client, 503).await;
    }
    tokio::time::sleep(LEASE * 3).await;
    for client in &clients {
        let ready = client.get("/_miroir/ready").await.unwrap();
        assert_eq!(ready.status, 200, "{}", ready.body);
        let search = client.call("POST", "/indexes/films/search", json!({})).await.unwrap();
        let age: u64 = search.header("x-miroir-registry-age").unwrap().parse().unwrap();
        assert!(age >= LEASE.as_secs(), "{age}");
        for (method, path, body) in
            [("POST", "/indexes/films/documents", json!([{ "id": 9 }])), ("GET", "/tasks/0", Value::Null)]
        {
            assert_eq!(client.call(method, path, body).await.unwrap().status, 503, "{method} {path}");
        }
        // One that is not known may have been created by another instance just before.
        assert_eq!(client.get("/indexes/none").await.unwrap().status, 503);
    }
    // An instance that starts meanwhile is alive, and does not become ready before the store is back.
    let mut late = together.cluster.another("late").await.unwrap();
    late.start_unready().unwrap();
    until("the late instance is alive", || async {
        (late.client().get("/health").await.ok()?.status == 200).then_some(())
    })
    .await;
    let ready = late.client().get("/_miroir/ready").await.unwrap();
    assert_eq!((ready.status, &ready.body["ready"]), (503, &json!(false)), "{}", ready.body);
    let search = late.client().call("POST", "/indexes/films/search", json!({})).await.unwrap();
    assert_eq!((search.status, &search.body["code"]), (503, &json!("miroir_store_unavailable")));
    together.server.launch_again();
    for (position, client) in clients.iter().enumerate() {
        until_ready_is(client, 200).await;
        until("the age is gone", || async {
            let response = client.get("/indexes").await.ok()?;
            response.header("x-miroir-registry-age").is_none().then_some(())
        })
        .await;
        assert_eq!(add(client, 1 + position as u64).await["status"], "succeeded");
    }
    late.until_ready().await.unwrap();
    stopped.store(true, Ordering::SeqCst);
    for reader in readers {
        assert!(reader.await.unwrap() > 0);
    }
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
