//! The load: writers that continue during crashes of Miroir and its nodes.
//!
//! Each document, each setting and each temporary index belongs to one writer, which sends one request at a
//! time. So the order of the attempts on each object is known, and its possible states can be computed
//! exactly.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use miroir_e2e::Client;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::ledger::{Attempt, Ledger, Write};
use miroir_e2e::Random;

/// Indexes that always exist.
pub const LASTING: [&str; 2] = ["films", "books"];
/// Indexes that are created and deleted.
pub const PASSING: [&str; 2] = ["passing-a", "passing-b"];
/// Number of writers of documents.
const DOCUMENT_WRITERS: u64 = 5;
/// Number of documents of one writer: few, so that each is written often.
const DOCUMENTS: u64 = 6;

/// Running writers.
pub struct Writers {
    stop: Arc<AtomicBool>,
    running: JoinSet<()>,
}

impl Writers {
    /// Starts all writers.
    pub fn start(client: &Client, ledger: &Ledger, random: &mut Random, pause: &Range<u64>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut running = JoinSet::new();
        let mut hire = |name: String, index: &str, choose: Choose| {
            let writer = Writer {
                name,
                index: index.to_owned(),
                client: client.clone(),
                ledger: ledger.clone(),
                random: random.fork(),
                pause: pause.clone(),
            };
            running.spawn(writer.work(choose, Arc::clone(&stop)));
        };
        for number in 0..DOCUMENT_WRITERS {
            let index = LASTING[usize::from(number % 2 == 1)];
            hire(format!("w{number}"), index, documents);
        }
        hire("settings".to_owned(), LASTING[0], settings);
        for index in PASSING {
            hire(index.to_owned(), index, coming_and_going);
        }
        Self { stop, running }
    }

    /// Stops each writer after its last response.
    pub async fn stop(mut self) {
        self.stop.store(true, Ordering::SeqCst);
        while let Some(ended) = self.running.join_next().await {
            ended.unwrap();
        }
    }
}

/// Chooses the next write from the name of the writer, randomness and the number of the attempt.
type Choose = fn(&str, &mut Random, u64) -> Write;

struct Writer {
    name: String,
    index: String,
    client: Client,
    ledger: Ledger,
    random: Random,
    pause: Range<u64>,
}

impl Writer {
    async fn work(mut self, choose: Choose, stop: Arc<AtomicBool>) {
        while !stop.load(Ordering::SeqCst) {
            let (name, index) = (self.name.clone(), self.index.clone());
            let attempt = self.ledger.begin(&name, &index, |number| choose(&name, &mut self.random, number));
            self.send(&attempt).await;
            sleep(self.random.millis(self.pause.start, self.pause.end)).await;
        }
    }

    async fn send(&self, attempt: &Attempt) {
        let (method, path, body) = request(attempt);
        // A broken connection leaves the outcome unknown, and so does a request while Miroir is down.
        let Ok(response) = self.client.call(method, &path, body).await else { return };
        match (response.status, response.body["taskUid"].as_u64(), response.body["code"].as_str()) {
            (202, Some(uid), _) => {
                if response.body["type"] != attempt.write.kind()
                    || response.body["indexUid"] != *attempt.index
                {
                    self.ledger.wrong(format!("{attempt:?} was acknowledged as {}", response.body));
                }
                self.ledger.acknowledged(attempt.number, uid);
            }
            (503, _, Some(code)) => self.ledger.refused(code),
            (status, ..) => {
                self.ledger.wrong(format!("{attempt:?} got {status}: {}", response.body));
            }
        }
    }
}

fn request(attempt: &Attempt) -> (&'static str, String, Value) {
    let index = format!("/indexes/{}", attempt.index);
    let documents = format!("{index}/documents");
    let metadata = format!("customMetadata={}", attempt.metadata());
    match &attempt.write {
        Write::Put(all) => ("POST", format!("{documents}?primaryKey=id&{metadata}"), json!(all)),
        Write::Update(all) => ("PUT", format!("{documents}?primaryKey=id&{metadata}"), json!(all)),
        Write::Delete(ids) => ("POST", format!("{documents}/delete-batch?{metadata}"), json!(ids)),
        Write::StopWords(word) => ("PUT", format!("{index}/settings/stop-words"), json!([word])),
        Write::Synonyms(word) => {
            ("PATCH", format!("{index}/settings"), json!({ "synonyms": { "word": [word] } }))
        }
        Write::CreateIndex => {
            ("POST", "/indexes".to_owned(), json!({ "uid": attempt.index, "primaryKey": "id" }))
        }
        Write::DeleteIndex => ("DELETE", index, Value::Null),
    }
}

fn documents(name: &str, random: &mut Random, number: u64) -> Write {
    let count = 1 + random.below(4);
    let ids: Vec<String> =
        random.some_of(count, DOCUMENTS).iter().map(|document| format!("{name}-{document}")).collect();
    match random.below(4) {
        0 | 1 => {
            Write::Put(ids.iter().map(|id| json!({ "id": id, "attempt": number, "put": number })).collect())
        }
        2 => Write::Update(
            ids.iter().map(|id| json!({ "id": id, "attempt": number, "update": number })).collect(),
        ),
        _ => Write::Delete(ids),
    }
}

fn settings(_: &str, random: &mut Random, number: u64) -> Write {
    if random.chance(50) {
        Write::StopWords(format!("stop{number}"))
    } else {
        Write::Synonyms(format!("synonym{number}"))
    }
}

fn coming_and_going(_: &str, random: &mut Random, number: u64) -> Write {
    match random.below(5) {
        0 => Write::CreateIndex,
        1 => Write::DeleteIndex,
        _ => Write::Put(vec![json!({ "id": format!("passing-{number}"), "attempt": number })]),
    }
}
