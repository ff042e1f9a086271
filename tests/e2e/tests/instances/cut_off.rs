//! An instance without a connection to the store, which the others reach.

use std::net::SocketAddr;

use miroir_e2e::{Client, Cluster, NODE_KIND, until};
use miroir_test_redis::RedisServer;
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::fixture::{LEASE, add, found, term, until_all_healthy};

/// A proxy between an instance and the server, which a test can cut.
struct Way {
    address: SocketAddr,
    open: watch::Sender<bool>,
}

impl Way {
    async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (open, is_open) = watch::channel(true);
        tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let mut is_open = is_open.clone();
                connections.spawn(async move {
                    if !*is_open.borrow_and_update() {
                        return;
                    }
                    let mut far = TcpStream::connect(server).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = is_open.changed() => {}
                    }
                });
            }
        });
        Self { address, open }
    }
}

async fn until_ready_is(client: &Client, status: u16) {
    until(&format!("{} responds with {status}", client.base_url()), || async {
        (client.get("/_miroir/ready").await.ok()?.status == status).then_some(())
    })
    .await;
}

#[tokio::test]
async fn isolated_leader_loses_its_role_and_returns_as_a_follower() {
    let server = RedisServer::start();
    let way = Way::to(server.address()).await;
    let lease = u64::try_from(LEASE.as_millis()).unwrap();
    let cluster = Cluster::builder()
        .kind(NODE_KIND)
        .nodes(3)
        .replication_factor(2)
        .redis(&server.url())
        .configuration(json!({ "instance": { "lease_ms": lease } }))
        .start_nodes()
        .await
        .unwrap();
    let roundabout = json!({ "store": { "redis": { "url": format!("redis://{}/0", way.address) } } });
    let mut lonely = cluster.another_with("lonely", roundabout).await.unwrap();
    lonely.start().await.unwrap();
    until_all_healthy(lonely.client()).await;
    assert_eq!(add(lonely.client(), 1).await["status"], "succeeded");
    let mut other = cluster.another("other").await.unwrap();
    other.start().await.unwrap();
    assert_eq!(term(other.client(), "writes").await.unwrap().0, "lonely");

    way.open.send_replace(false);
    until_ready_is(lonely.client(), 503).await;
    let next = until("the other instance leads", || async {
        let (holder, token) = term(other.client(), "writes").await?;
        (holder == "other").then_some(token)
    })
    .await;
    // The other instance may still forward a write to the isolated one, which has no response.
    until("the other instance accepts a write", || async {
        let documents = json!([{ "id": 2 }]);
        let response = other.client().call("POST", "/indexes/films/documents", documents).await.ok()?;
        (response.status == 202).then_some(())
    })
    .await;
    let refused =
        lonely.client().call("POST", "/indexes/films/documents", json!([{ "id": 3 }])).await.unwrap();
    assert_eq!((refused.status, &refused.body["code"]), (503, &json!("miroir_store_unavailable")));
    assert_eq!(lonely.client().get("/health").await.unwrap().status, 200);

    way.open.send_replace(true);
    until_ready_is(lonely.client(), 200).await;
    assert_eq!(add(lonely.client(), 4).await["status"], "succeeded");
    assert_eq!((found(lonely.client()).await, found(other.client()).await), (3, 3));
    assert_eq!(term(other.client(), "writes").await.unwrap(), ("other".to_owned(), next));
    assert!(lonely.terminate().await.unwrap().success());
}
