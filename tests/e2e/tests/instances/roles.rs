//! Canaries and deliveries: one instance at a time has each role, and another one takes over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use miroir_domain::role::{Role, assigned_to};
use miroir_e2e::{Client, Ledger, Receiver, until};
use miroir_test_redis::RedisServer;
use serde_json::{Value, json};

use crate::fixture::{Together, add, assert_apart, hook, ran_at, term};

const CANARIES: usize = 16;
/// Seconds between two runs.
const INTERVAL: u64 = 1;

/// Returns the times of the runs of each canary in milliseconds, oldest first.
async fn runs(client: &Client) -> BTreeMap<String, Vec<i64>> {
    let mut all = BTreeMap::new();
    for number in 0..CANARIES {
        let id = format!("canary-{number}");
        let times = ran_at(client, &id).await;
        all.insert(id, times);
    }
    all
}

fn fewest(runs: &BTreeMap<String, Vec<i64>>) -> usize {
    runs.values().map(Vec::len).min().unwrap()
}

async fn until_run(client: &Client, times: usize) {
    until(&format!("each canary ran {times} times"), || async {
        (fewest(&runs(client).await) >= times).then_some(())
    })
    .await;
}

#[tokio::test]
async fn each_canary_runs_once_per_interval_and_continues_on_another_instance() {
    let mut together = Together::start(&["one", "two", "three"]).await;
    let client = together.client(0);
    add(&client, 1).await;
    for number in 0..CANARIES {
        let canary = json!({
            "id": format!("canary-{number}"), "name": "films", "index": "films", "intervalSeconds": INTERVAL,
            "query": {}, "assertions": [{ "type": "min_hits", "value": 1 }],
        });
        // Any instance may have run it.
        let created = together.client(number % 3).call("POST", "/_miroir/canaries", canary).await.unwrap();
        created.expect(201).unwrap();
    }
    until_run(&client, 3).await;
    together.instances[2].kill().await.unwrap();
    let before = fewest(&runs(&client).await);
    until_run(&client, before + 2).await;
    together.instances[2].start().await.unwrap();
    together.until_all_live(3).await;
    let before = fewest(&runs(&client).await);
    until_run(&client, before + 2).await;
    // Runs on request, through any instance.
    for position in 0..3 {
        let ran = together.client(position).call("POST", "/_miroir/canaries/canary-0/run", Value::Null).await;
        assert_eq!(ran.unwrap().expect(200).unwrap()["status"], "pass");
    }
    let mut runs = runs(&client).await;
    runs.remove("canary-0");
    for (id, times) in runs {
        assert_apart(&id, &times, i64::try_from(INTERVAL * 1_000).unwrap());
    }
}

async fn until_delivered(ledger: &Ledger, tasks: &BTreeSet<u64>) {
    until(&format!("{} tasks are delivered", tasks.len()), || async {
        (ledger.entries().tasks == *tasks).then_some(())
    })
    .await;
}

/// Waits until the instance named `holder` delivers to the sink.
async fn until_delivering(client: &Client, holder: &str) {
    until(&format!("{holder} delivers to the sink"), || async {
        (term(client, "sink:hook").await?.0 == holder).then_some(())
    })
    .await;
}

#[tokio::test]
async fn assigned_instance_delivers_to_a_sink_and_every_instance_controls_it() {
    let ledger = Ledger::default();
    let receiver = Receiver::start(ledger.clone()).await;
    let names = ["one", "two", "three"];
    let mut together = Together::over(RedisServer::start(), &names, hook(&receiver.url())).await;
    let role = Role::Sink("hook".parse().unwrap());
    let deliverer = names.iter().position(|name| *name == assigned_to(&role, names).unwrap()).unwrap();
    let other = (deliverer + 1) % 3;
    let client = together.client(other);
    // The first instance delivers while it is alone. A handover during a delivery would repeat changes.
    until_delivering(&client, names[deliverer]).await;
    let mut tasks = BTreeSet::new();
    for id in 0..20 {
        let task = add(&together.client(usize::try_from(id).unwrap() % 3), id).await;
        tasks.insert(task["uid"].as_u64().unwrap());
    }
    until_delivered(&ledger, &tasks).await;
    assert_eq!(ledger.entries().duplicates, 0);
    assert_eq!(term(&client, "sink:hook").await.unwrap().0, names[deliverer]);

    // Paused, rewound and resumed through an instance that does not deliver to the sink.
    let steer = |what: &str, body: Value| {
        let (client, path) = (client.clone(), format!("/_miroir/cdc/sinks/hook/{what}"));
        async move { client.call("POST", &path, body).await.unwrap().expect(200).unwrap() }
    };
    steer("pause", Value::Null).await;
    steer("rewind", json!({ "index": "films", "since": 5 })).await;
    tasks.insert(add(&client, 100).await["uid"].as_u64().unwrap());
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(ledger.entries().tasks.len(), tasks.len() - 1, "a paused sink gets no changes");
    steer("resume", Value::Null).await;
    until_delivered(&ledger, &tasks).await;
    until("rewound changes are delivered again", || async {
        (ledger.entries().duplicates == 15).then_some(())
    })
    .await;

    // Another instance takes over.
    together.instances[deliverer].kill().await.unwrap();
    for id in 200..210 {
        tasks.insert(add(&client, id).await["uid"].as_u64().unwrap());
    }
    until_delivered(&ledger, &tasks).await;
    let (holder, token) = term(&client, "sink:hook").await.unwrap();
    assert!(holder != names[deliverer] && token > 1);
    // After its return it delivers to the sinks assigned to it.
    together.instances[deliverer].start().await.unwrap();
    until_delivering(&client, names[deliverer]).await;
    tasks.insert(add(&client, 300).await["uid"].as_u64().unwrap());
    until_delivered(&ledger, &tasks).await;
}
