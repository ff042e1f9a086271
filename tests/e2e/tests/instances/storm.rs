//! Three instances under load. Every few seconds one is killed or paused.
//!
//! Clients retry on the next instance if a connection fails or times out, and treat any other failure as an
//! error. At the end every acknowledged write exists, every change was delivered once and in order, no canary
//! ran twice within its interval, and no term of a role had two holders.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use miroir_e2e::{Client, Ledger, Random, Receiver, took_effect, until};
use miroir_test_redis::RedisServer;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::fixture::{LEASE, Together, assert_apart, get, hook, ran_at};

const NAMES: [&str; 3] = ["one", "two", "three"];
const WRITERS: u64 = 4;
const SEARCHERS: usize = 3;
const CANARIES: usize = 6;
/// Timeout of a request before a client tries the next instance.
const SILENCE: Duration = Duration::from_secs(5);

/// Minimum time between the end of one disturbance and the next.
const LEAST_PEACE: Duration = Duration::from_secs(1);

/// Returns the duration of the storm, which `MIROIR_STORM_SECONDS` sets.
fn lasts() -> Duration {
    let text = std::env::var("MIROIR_STORM_SECONDS");
    Duration::from_secs(text.map_or(25, |text| text.parse().expect("MIROIR_STORM_SECONDS is a number")))
}

/// A client of all instances, which stays with one as long as it responds.
struct Nomad {
    http: reqwest::Client,
    urls: Vec<String>,
    at: AtomicUsize,
    retries: Arc<AtomicU64>,
}

impl Nomad {
    fn new(together: &Together, first: usize, retries: &Arc<AtomicU64>) -> Self {
        let http = reqwest::Client::builder().timeout(SILENCE).no_proxy().build().unwrap();
        let urls = together.instances.iter().map(|one| one.client().base_url().to_owned()).collect();
        Self { http, urls, at: AtomicUsize::new(first), retries: Arc::clone(retries) }
    }

    /// Returns the response of the first responding instance, whose status must be `expected`.
    async fn call(&self, method: &Method, path: &str, body: &Value, expected: u16) -> Value {
        loop {
            let at = self.at.load(Ordering::Relaxed) % self.urls.len();
            let mut request = self.http.request(method.clone(), format!("{}{path}", self.urls[at]));
            if !body.is_null() {
                request = request.json(body);
            }
            let response = async {
                let response = request.send().await?;
                Ok::<_, reqwest::Error>((response.status().as_u16(), response.text().await?))
            };
            if let Ok((status, body)) = response.await {
                assert_eq!(status, expected, "{method} {path} by {}: {body}", NAMES[at]);
                return serde_json::from_str(&body).unwrap();
            }
            self.retries.fetch_add(1, Ordering::Relaxed);
            self.at.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Acknowledgements that clients received.
#[derive(Default)]
struct Acknowledged {
    /// Acknowledged films.
    films: BTreeSet<u64>,
    /// Tasks of the acknowledgements.
    tasks: BTreeSet<u64>,
}

async fn write(nomad: Nomad, writer: u64, acknowledged: Arc<Mutex<Acknowledged>>, over: Arc<AtomicBool>) {
    let mut number = 0;
    while !over.load(Ordering::Relaxed) {
        let id = number * WRITERS + writer;
        let film = json!([{ "id": id, "writer": writer }]);
        let path = "/indexes/films/documents?primaryKey=id";
        let summary = nomad.call(&Method::POST, path, &film, 202).await;
        {
            let mut acknowledged = acknowledged.lock().unwrap();
            acknowledged.films.insert(id);
            acknowledged.tasks.insert(summary["taskUid"].as_u64().unwrap());
        }
        number += 1;
        sleep(Duration::from_millis(20)).await;
    }
}

async fn search(nomad: Nomad, searches: Arc<AtomicU64>, over: Arc<AtomicBool>) {
    while !over.load(Ordering::Relaxed) {
        let response = nomad.call(&Method::POST, "/indexes/films/search", &json!({ "limit": 5 }), 200).await;
        assert_eq!(response["hits"].as_array().unwrap().len(), 5);
        nomad.call(&Method::GET, "/tasks?limit=5", &Value::Null, 200).await;
        searches.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(20)).await;
    }
}

/// The holder of every observed term.
type Terms = BTreeMap<(String, u64), String>;

/// Observes terms through any responding instance.
async fn watch(nomad: Nomad, terms: Arc<Mutex<Terms>>, over: Arc<AtomicBool>) {
    while !over.load(Ordering::Relaxed) {
        let leases = nomad.call(&Method::GET, "/_miroir/leases", &Value::Null, 200).await;
        note(&mut terms.lock().unwrap(), &leases);
        sleep(Duration::from_millis(100)).await;
    }
}

fn note(terms: &mut Terms, leases: &Value) {
    for lease in leases["results"].as_array().unwrap() {
        let role = lease["role"].as_str().unwrap().to_owned();
        let term = (role, lease["token"].as_u64().unwrap());
        let holder = lease["holder"].as_str().unwrap();
        let known = terms.entry(term.clone()).or_insert_with(|| holder.to_owned());
        assert_eq!(known, holder, "{term:?} had two holders");
    }
}

/// Kills or pauses one instance after another.
async fn disturb(together: &mut Together, until: Instant, period: Duration) -> (u32, u32) {
    let seed = Random::any_seed();
    println!("the seed of the storm is {seed}");
    let (mut random, mut kills, mut pauses) = (Random::new(seed), 0, 0);
    let mut next = Instant::now();
    while Instant::now() < until {
        // A pause may last longer than the period.
        next = (next + period).max(Instant::now() + LEAST_PEACE);
        sleep_until(next).await;
        let victim = usize::try_from(random.below(3)).unwrap();
        // The leader is chosen at least as often as all others together.
        let victim = if random.below(2) == 0 { leader_or(together, victim).await } else { victim };
        let instance = &mut together.instances[victim];
        if random.below(2) == 0 {
            instance.kill().await.unwrap();
            sleep(Duration::from_millis(500)).await;
            instance.start_unready().unwrap();
            kills += 1;
        } else {
            instance.process().pause().await.unwrap();
            sleep(LEASE + Duration::from_secs(2)).await;
            instance.process().resume().await.unwrap();
            pauses += 1;
        }
    }
    (kills, pauses)
}

async fn leader_or(together: &Together, other: usize) -> usize {
    for position in 0..3 {
        let client = together.client(position);
        let request = client.get("/_miroir/instances");
        let Ok(Ok(response)) = tokio::time::timeout(Duration::from_secs(1), request).await else { continue };
        let leads = response.body["results"].as_array().and_then(|all| {
            let leader = all.iter().find(|one| one["leader"] == true)?["id"].as_str()?.to_owned();
            NAMES.iter().position(|name| *name == leader)
        });
        return leads.unwrap_or(other);
    }
    other
}

/// Returns every stored film.
async fn stored(client: &Client) -> BTreeSet<u64> {
    let mut ids = BTreeSet::new();
    loop {
        let page = get(client, &format!("/indexes/films/documents?limit=1000&offset={}", ids.len())).await;
        let before = ids.len();
        ids.extend(page["results"].as_array().unwrap().iter().map(|film| film["id"].as_u64().unwrap()));
        if ids.len() == before {
            return ids;
        }
    }
}

async fn check_canaries(client: &Client) {
    for number in 0..CANARIES {
        let id = format!("canary-{number}");
        let times = ran_at(client, &id).await;
        assert!(times.len() >= 2, "{id} ran {} times", times.len());
        assert_apart(&id, &times, 1_000);
    }
}

async fn prepare(client: &Client) {
    let films: Value = (0..5).map(|id| json!({ "id": 1_000_000_000 + id })).collect();
    let task = client.write("POST", "/indexes/films/documents?primaryKey=id", films).await.unwrap();
    assert_eq!(task["status"], "succeeded", "{task}");
    for number in 0..CANARIES {
        let canary = json!({
            "id": format!("canary-{number}"), "name": "films", "index": "films", "intervalSeconds": 1,
            "query": { "limit": 1 }, "assertions": [{ "type": "min_hits", "value": 1 }],
        });
        client.call("POST", "/_miroir/canaries", canary).await.unwrap().expect(201).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_work_is_lost_or_repeated_while_instances_are_killed_and_paused() {
    let ledger = Ledger::default();
    let receiver = Receiver::start(ledger.clone()).await;
    let mut sink = hook(&receiver.url());
    sink["canary"] = json!({ "history": 1_000 });
    let mut together = Together::over(RedisServer::durable(), &NAMES, sink).await;
    prepare(&together.client(0)).await;

    let (over, retries, searches) = (Arc::new(AtomicBool::new(false)), Arc::default(), Arc::default());
    let (acknowledged, terms) =
        (Arc::new(Mutex::new(Acknowledged::default())), Arc::new(Mutex::new(Terms::new())));
    let mut clients = JoinSet::new();
    for writer in 0..WRITERS {
        let nomad = Nomad::new(&together, usize::try_from(writer).unwrap(), &retries);
        clients.spawn(write(nomad, writer, Arc::clone(&acknowledged), Arc::clone(&over)));
    }
    for searcher in 0..SEARCHERS {
        let nomad = Nomad::new(&together, searcher, &retries);
        clients.spawn(search(nomad, Arc::clone(&searches), Arc::clone(&over)));
    }
    clients.spawn(watch(Nomad::new(&together, 0, &retries), Arc::clone(&terms), Arc::clone(&over)));

    let span = lasts();
    let period = Duration::from_secs(10).min(span / 10);
    let (kills, pauses) = disturb(&mut together, Instant::now() + span, period).await;
    over.store(true, Ordering::Relaxed);
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    for instance in &mut together.instances {
        instance.until_ready().await.unwrap();
    }
    let client = together.client(0);
    let expected = took_effect(&client).await;
    let acknowledged = std::mem::take(&mut *acknowledged.lock().unwrap());
    let lost: Vec<_> = acknowledged.tasks.difference(&expected).collect();
    assert!(lost.is_empty(), "acknowledged tasks that did not succeed: {lost:?}");
    for (position, name) in NAMES.iter().enumerate() {
        let stored = stored(&together.client(position)).await;
        let lost: Vec<_> = acknowledged.films.difference(&stored).collect();
        assert!(lost.is_empty(), "acknowledged films that {name} does not find: {lost:?}");
    }
    until("every change is delivered", || async { (ledger.entries().tasks == expected).then_some(()) }).await;
    check_canaries(&client).await;
    let terms = std::mem::take(&mut *terms.lock().unwrap());
    let of = |role: &str| terms.keys().filter(|(of, _)| of == role).count();
    println!(
        "{} s, {kills} kills, {pauses} pauses: {} writes acknowledged, {} took effect, none lost; {} rounds of reads; {} retries; \
         {} terms of the writes, {} of the sink, {} in all, none held twice; {} changes acknowledged, {} again",
        span.as_secs(),
        acknowledged.tasks.len(),
        expected.len(),
        searches.load(Ordering::Relaxed),
        retries.load(Ordering::Relaxed),
        of("writes"),
        of("sink:hook"),
        terms.len(),
        ledger.entries().ids.len(),
        ledger.entries().duplicates,
    );
}
