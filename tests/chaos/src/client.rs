//! Clients: each asks for one thing after the other, and compares the answers with the model.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use miroir_domain::TaskUid;
use miroir_e2e::{Client, Response};
use miroir_test_simulation::check::{document_of, read, settings_of, settings_version};
use miroir_test_simulation::model::{Effect, Outcome, Register, Version, Window, documents_of};
use miroir_test_simulation::random::Random;
use miroir_test_simulation::{CLIENTS, DOCUMENTS, INDEXES, KINDS};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::state::State;

/// The time after which a client gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// The pause between two looks at the open tasks.
const LOOK: Duration = Duration::from_millis(50);

/// One client.
pub struct Asking {
    /// The run.
    pub state: Arc<State>,
    /// Its number.
    pub client: usize,
    /// Its chance.
    pub random: Random,
}

impl Asking {
    /// Asks until the run is over.
    pub async fn run(mut self) {
        while !self.state.is_over() {
            sleep(Duration::from_millis(self.random.within(20..200))).await;
            while self.state.is_held() {
                sleep(LOOK).await;
            }
            self.ask().await;
        }
    }

    async fn ask(&mut self) {
        let index = self.random.index(INDEXES.len());
        let to = self.state.instances[self.random.index(self.state.instances.len())].clone();
        let first = self.random.within(0..DOCUMENTS);
        let ids = documents_of(self.client, first, self.random.within(1..DOCUMENTS));
        let name = INDEXES[index];
        let path = |rest: &str| format!("/indexes/{name}{rest}");
        match self.random.within(0..100) {
            0..28 => {
                let body = |effect| ids.iter().map(|id| document_of(index, *id, effect)).collect();
                self.write(&to, index, &ids, Effect::Put, "POST", path("/documents?primaryKey=id"), body)
                    .await;
            }
            28..38 => {
                let body = |effect| ids.iter().map(|id| document_of(index, *id, effect)).collect();
                self.write(&to, index, &ids, Effect::Update, "PUT", path("/documents?primaryKey=id"), body)
                    .await;
            }
            38..46 => {
                let path = path("/documents/delete-batch");
                self.write(&to, index, &ids[..1], |_| Effect::Delete, "POST", path, |_| json!(&ids[..1]))
                    .await;
            }
            46..49 => {
                let kind = self.random.within(0..KINDS);
                let body = move |_| json!({ "filter": format!("k = {kind}") });
                let effect = |_| Effect::DeleteKind(kind);
                self.write(&to, index, &[], effect, "POST", path("/documents/delete"), body).await;
            }
            49 => {
                self.write(
                    &to,
                    index,
                    &[],
                    |_| Effect::DeleteAll,
                    "DELETE",
                    path("/documents"),
                    |_| Value::Null,
                )
                .await;
            }
            // Rarely: a repair of settings waits while there is a change under way.
            50 if self.random.one_in(2) => {
                self.write(&to, index, &[], Effect::Settings, "PATCH", path("/settings"), settings_of).await;
            }
            50..80 => self.search(&to, index).await,
            80..94 => {
                let id = self.random.within(0..CLIENTS as u64 * DOCUMENTS);
                self.get(&to, index, id).await;
            }
            _ => self.get_settings(&to, index).await,
        }
    }

    /// Sends a write, and records what the client hears of it.
    #[expect(clippy::too_many_arguments, reason = "the parts of one request")]
    async fn write(
        &self,
        to: &Client,
        index: usize,
        documents: &[u64],
        effect: impl FnOnce(Version) -> Effect,
        method: &str,
        path: String,
        body: impl FnOnce(Effect) -> Value,
    ) {
        let (id, effect) = self.state.model.lock().begin(index, documents, effect);
        let heard = timeout(PATIENCE, to.call(method, &path, body(effect))).await;
        let now = self.state.elapsed();
        let mut model = self.state.model.lock();
        let tick = model.tick();
        match heard {
            Ok(Ok(response)) => {
                model.write(id).returned = Some(tick);
                match accepted(&response) {
                    Some(task) => model.write(id).task = Some(task),
                    None => model.end(id, Outcome::Maybe, now),
                }
            }
            // No response: it may be carried out later than every other write.
            Ok(Err(_)) | Err(_) => model.end(id, Outcome::Maybe, now),
        }
    }

    /// Asks a read, and compares its answer with `judge` unless it is marked. A refusal says nothing, except
    /// that the index or the document is not there.
    async fn compare(
        &self,
        to: &Client,
        method: &str,
        path: String,
        body: Value,
        judge: impl FnOnce(&State, Result<&Value, &str>, Window) -> Option<String>,
    ) {
        let counts = &self.state.counts;
        let (asked, settled) = (self.state.model.lock().tick(), self.state.elapsed());
        let Some(response) = self.response(to, method, &path, body).await else {
            counts.refused.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let window = Window { asked, settled, answered: self.state.model.lock().tick() };
        let is_marked = ["x-miroir-degraded", "x-miroir-registry-age"]
            .into_iter()
            .any(|name| response.header(name).is_some());
        let code = response.body["code"].as_str();
        let answer = match response.status {
            200 => Ok(&response.body),
            404 => Err(code.unwrap_or_default()),
            status => {
                counts.refused.fetch_add(1, Ordering::Relaxed);
                self.state.note(&format!("{path}: {status} {}", response.body));
                return;
            }
        };
        if is_marked {
            counts.marked.fetch_add(1, Ordering::Relaxed);
            return;
        }
        counts.judged.fetch_add(1, Ordering::Relaxed);
        if let Some(wrong) = judge(&self.state, answer, window) {
            self.state.violate(format!("client {} at {}: {path}: {wrong}", self.client, to.base_url()));
        }
    }

    /// Returns the response of `to`, or of another instance if it does not serve: a load balancer does the
    /// same.
    async fn response(&self, to: &Client, method: &str, path: &str, body: Value) -> Option<Response> {
        let others = self.state.instances.iter().filter(|other| other.base_url() != to.base_url());
        let mut last = None;
        for instance in [to].into_iter().chain(others) {
            match timeout(PATIENCE, instance.call(method, path, body.clone())).await {
                Ok(Ok(response)) if response.status == 503 => last = Some(response),
                Ok(Ok(response)) => return Some(response),
                Ok(Err(_)) | Err(_) => {}
            }
        }
        last
    }

    async fn search(&self, to: &Client, index: usize) {
        let path = format!("/indexes/{}/search", INDEXES[index]);
        let query = json!({ "q": "", "limit": 1_000 });
        self.compare(to, "POST", path, query, |state, answer, window| match answer {
            Ok(body) => match read(body["hits"].as_array().into_iter().flatten()) {
                Ok(found) => state.model.lock().wrong_in(index, &found, window),
                Err(wrong) => Some(wrong),
            },
            Err(code) => state.model.lock().wrongly_absent(index, code, window),
        })
        .await;
    }

    async fn get(&self, to: &Client, index: usize, id: u64) {
        let path = format!("/indexes/{}/documents/{id}", INDEXES[index]);
        self.compare(to, "GET", path, Value::Null, |state, answer, window| {
            let found = match answer {
                Ok(body) => match read([body]) {
                    Ok(found) => found.get(&id).copied(),
                    Err(wrong) => return Some(wrong),
                },
                Err("document_not_found") => None,
                Err(code) => return state.model.lock().wrongly_absent(index, code, window),
            };
            state.model.lock().wrong(index, id, found, window)
        })
        .await;
    }

    async fn get_settings(&self, to: &Client, index: usize) {
        let path = format!("/indexes/{}/settings/stop-words", INDEXES[index]);
        self.compare(to, "GET", path, Value::Null, |state, answer, window| match answer {
            Ok(body) => {
                let version = settings_version(body);
                let is_right = state.model.lock().may_be(index, Register::Settings, version, window);
                (!is_right).then(|| format!("settings have version {version}"))
            }
            Err(code) => state.model.lock().wrongly_absent(index, code, window),
        })
        .await;
    }
}

/// Notices the end of tasks, until the run is over and every task has ended.
pub async fn follow_tasks(state: Arc<State>) {
    loop {
        let open = state.model.lock().open_tasks();
        if open.is_empty() && state.is_over() {
            return;
        }
        for (id, uid) in open {
            let to = &state.instances[id % state.instances.len()];
            let Ok(Ok(task)) = timeout(PATIENCE, to.get(&format!("/tasks/{uid}"))).await else { continue };
            let outcome = match (task.status, task.body["status"].as_str()) {
                (200, Some("succeeded")) => Outcome::Succeeded,
                // 404: it was pruned before anybody looked.
                (200, Some("failed" | "canceled")) | (404, _) => Outcome::Maybe,
                _ => continue,
            };
            state.model.lock().end(id, outcome, state.elapsed());
        }
        sleep(LOOK).await;
    }
}

fn accepted(response: &Response) -> Option<TaskUid> {
    let uid = response.body["taskUid"].as_u64().filter(|_| response.status == 202)?;
    u32::try_from(uid).ok().map(TaskUid)
}
