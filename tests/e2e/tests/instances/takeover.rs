//! The leader disappears, in every possible way.

use std::time::Duration;

use miroir_e2e::{Client, until};
use serde_json::json;
use tokio::time::Instant;

use crate::fixture::{LEASE, Together, add, found, term};

/// Adds a film, with retries while the connection fails. Any status other than 202 is a failure.
async fn add_persistently(client: &Client, id: u64) {
    let begun = Instant::now();
    loop {
        match client.call("POST", "/indexes/films/documents?primaryKey=id", json!([{ "id": id }])).await {
            Ok(response) => return drop(response.expect(202).unwrap()),
            Err(error) => assert!(begun.elapsed() < LEASE * 10, "{error:#}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn until_found(client: &Client, count: u64) {
    until(&format!("{count} films are found"), || async { (found(client).await == count).then_some(()) })
        .await;
}

#[tokio::test]
async fn killed_leader_is_replaced_without_loss() {
    let mut together = Together::start(&["one", "two"]).await;
    let leader = together.leader(0).await;
    let (lost, left) = (together.client(leader), together.client(1 - leader));
    for id in 0..20 {
        let client = if id % 2 == 0 { &lost } else { &left };
        add_persistently(client, id).await;
    }
    let (_, token) = term(&left, "writes").await.unwrap();
    together.instances[leader].kill().await.unwrap();
    let begun = Instant::now();
    add_persistently(&left, 20).await;
    println!("writes continued {:?} after the leader was killed", begun.elapsed());
    until_found(&left, 21).await;
    let (_, next) = term(&left, "writes").await.unwrap();
    assert!(next > token);
    // After its return another instance has the role.
    together.instances[leader].start().await.unwrap();
    add_persistently(&lost, 21).await;
    until_found(&lost, 22).await;
    assert_eq!(term(&left, "writes").await.unwrap().1, next);
}

#[tokio::test]
async fn terminated_leader_hands_over_at_once() {
    let mut together = Together::start(&["one", "two"]).await;
    let leader = together.leader(0).await;
    let left = together.client(1 - leader);
    add_persistently(&left, 1).await;
    let begun = Instant::now();
    assert!(together.instances[leader].terminate().await.unwrap().success());
    add_persistently(&left, 2).await;
    println!("writes continued {:?} after the leader was terminated", begun.elapsed());
    until_found(&left, 2).await;
}

/// A leader that is paused beyond its lease changes nothing when it resumes, and continues as a follower.
#[tokio::test]
async fn paused_leader_is_replaced_and_does_no_harm_when_it_resumes() {
    let mut together = Together::start(&["one", "two"]).await;
    let leader = together.leader(0).await;
    let (paused, left) = (together.client(leader), together.client(1 - leader));
    add_persistently(&paused, 1).await;
    let (_, token) = term(&left, "writes").await.unwrap();
    together.instances[leader].process().pause().await.unwrap();
    // The request waits in the socket of the paused instance, which responds after it resumes.
    let late = tokio::spawn({
        let client = paused.clone();
        async move { client.call("POST", "/indexes/films/documents", json!([{ "id": 2 }])).await }
    });
    add_persistently(&left, 3).await;
    let (holder, next) = term(&left, "writes").await.unwrap();
    assert!(next > token);
    together.instances[leader].process().resume().await.unwrap();
    if let Ok(response) = late.await.unwrap() {
        // The instance has forwarded it to the new leader.
        assert_eq!(response.status, 202, "{}", response.body);
    }
    add_persistently(&paused, 4).await;
    assert_eq!(term(&left, "writes").await.unwrap(), (holder, next), "the resumed instance leads again");
    let log = together.instances[leader].process().log();
    assert!(log.contains("the lease could not be kept"), "{log}");
    add_persistently(&left, 2).await;
    until_found(&left, 4).await;
    until_found(&paused, 4).await;
}

#[tokio::test]
async fn deleted_lease_is_acquired_again() {
    let together = Together::start(&["one", "two"]).await;
    let client = together.client(1);
    add_persistently(&client, 1).await;
    let (_, token) = term(&client, "writes").await.unwrap();
    together.server.say(&["DEL", "miroir:lease:writes"]);
    add_persistently(&client, 2).await;
    until_found(&client, 2).await;
    let next = until("the role has a holder", || async { term(&client, "writes").await }).await.1;
    assert!(next > token, "{next} after {token}");
}

#[tokio::test]
async fn searches_succeed_without_a_leader() {
    let mut together = Together::start(&["one", "two"]).await;
    let leader = together.leader(0).await;
    let left = together.client(1 - leader);
    assert_eq!(add(&left, 1).await["status"], "succeeded");
    together.instances[leader].process().pause().await.unwrap();
    let begun = Instant::now();
    while begun.elapsed() < LEASE {
        assert_eq!(found(&left).await, 1);
    }
    together.instances[leader].process().resume().await.unwrap();
}
