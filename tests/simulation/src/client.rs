//! Clients: each asks for one thing after the other, and compares the answers with the model.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use miroir_domain::IndexUid;
use miroir_domain::alias::{AliasChange, NewAlias};
use miroir_domain::payload::PayloadFormat;
use miroir_domain::role::Role;
use miroir_domain::search::SearchRequest;
use miroir_domain::settings::{Setting, SettingsAction, SettingsChange};
use miroir_domain::write::WriteMode;
use miroir_ports::error_chain;
use miroir_ports::inbound::{
    Accepted, AliasApi as _, ApiError, DocumentApi as _, DocumentSelection, DocumentWrite, IndexApi as _,
    ReadResponse, RoleHolder, SearchApi as _, SettingsApi as _, StalenessApi as _,
};
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use crate::check::{document_of, read, settings_of, settings_version};
use crate::instance::{Running, url};
use crate::model::{Effect, Outcome, Register, Version, Window, documents_of};
use crate::plan::{INDEXES, Request};
use crate::state::History;

/// The time after which a client gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// The name of the alias.
const ALIAS: &str = "shown";

/// The time after which every instance knows of a flip.
const NEWS: Duration = Duration::from_millis(1_500);

/// One request of a client to an instance.
pub struct Asking<'a> {
    /// The history.
    pub history: &'a Arc<History>,
    /// The client.
    pub client: usize,
    /// The instance.
    pub instance: usize,
    /// The index.
    pub index: usize,
}

/// The result of a call, as far as the client hears of it.
enum Heard<T> {
    /// The response.
    Response(Result<T, ApiError>),
    /// No response: the instance crashed, or took too long.
    Silence,
    /// The request was certainly not carried out.
    Nothing,
}

impl Asking<'_> {
    /// Asks, and compares the answer.
    pub async fn run(&self, request: Request) {
        let world = &self.history.world;
        world.note(format_args!(
            "client {} asks {} {}: {request:?}",
            self.client, self.instance, INDEXES[self.index]
        ));
        match request {
            Request::Put { first, count } => self.put(documents_of(self.client, first, count), true).await,
            Request::Update { first, count } => {
                self.put(documents_of(self.client, first, count), false).await;
            }
            Request::Delete { first } => {
                let ids = documents_of(self.client, first, 1);
                let selection = DocumentSelection::Ids(ids.iter().map(|id| json!(id)).collect());
                self.delete(ids, |_| Effect::Delete, selection).await;
            }
            Request::DeleteKind(kind) => {
                let selection = DocumentSelection::Filter(json!(format!("k = {kind}")));
                self.delete(Vec::new(), |_| Effect::DeleteKind(kind), selection).await;
            }
            Request::DeleteAll => {
                self.delete(Vec::new(), |_| Effect::DeleteAll, DocumentSelection::All).await;
            }
            Request::CreateIndex => {
                let key = Some("id".to_owned());
                self.write(
                    Vec::new(),
                    |_| Effect::CreateIndex,
                    |to, uid, _| async move { to.index.index_create(uid, key).await },
                )
                .await;
            }
            Request::DeleteIndex => {
                self.write(
                    Vec::new(),
                    |_| Effect::DeleteIndex,
                    |to, uid, _| async move { to.index.index_delete(uid).await },
                )
                .await;
            }
            Request::Settings => self.set().await,
            Request::Flip => self.flip().await,
            Request::Search => self.search(false).await,
            Request::SearchAlias => self.search(true).await,
            Request::Walk => self.walk().await,
            Request::Get { client, first } => self.get(documents_of(client, first, 1)[0]).await,
            Request::Count => self.count().await,
            Request::GetSettings => self.get_settings().await,
        }
    }

    fn uid(&self) -> IndexUid {
        uid(INDEXES[self.index])
    }

    /// Calls the instance until it responds, crashes, or takes too long.
    async fn call<T, F>(&self, to: &Arc<Running>, call: impl FnOnce(Arc<Running>) -> F) -> Heard<T>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        let answer = async {
            to.gate.pass().await;
            let answer = call(Arc::clone(to)).await;
            to.gate.pass().await;
            answer
        };
        let answered = async {
            tokio::select! {
                biased;
                () = to.gate.crashed.cancelled() => Heard::Silence,
                answer = answer => Heard::Response(answer),
            }
        };
        timeout(PATIENCE, answered).await.unwrap_or(Heard::Silence)
    }

    /// Returns the instance that carries out a write: the leader, to which the others forward it.
    fn writer(&self) -> Option<Arc<Running>> {
        let instances = &self.history.instances;
        let first = instances.get(self.instance)?;
        match first.roles.role_holder(&Role::Writes) {
            RoleHolder::Local => Some(first),
            RoleHolder::Remote(peer) => {
                let count = self.history.world.shape.instances;
                let number = (0..count).find(|number| url(*number) == peer.url)?;
                let leader = instances.get(number)?;
                matches!(leader.roles.role_holder(&Role::Writes), RoleHolder::Local).then_some(leader)
            }
            RoleHolder::Vacant | RoleHolder::Unknown => None,
        }
    }

    /// Sends a write and records what the client hears of it.
    async fn write<F>(
        &self,
        documents: Vec<u64>,
        effect: impl FnOnce(Version) -> Effect,
        call: impl FnOnce(Arc<Running>, IndexUid, Effect) -> F,
    ) where
        F: Future<Output = Result<Accepted, ApiError>>,
    {
        let (world, uid) = (&self.history.world, self.uid());
        let (id, effect) = self.history.model.lock().begin(self.index, &documents, effect);
        let heard = match self.writer() {
            Some(to) => self.call(&to, |to| call(to, uid, effect)).await,
            None => Heard::Nothing,
        };
        let now = world.elapsed();
        let mut model = self.history.model.lock();
        let tick = model.tick();
        match heard {
            Heard::Response(Ok(accepted)) => {
                let task = accepted.summary.task_uid;
                let started = model.write(id).start;
                let earlier =
                    model.writes().iter().filter(|write| write.returned.is_some_and(|at| at < started));
                if let Some(newer) = earlier.filter_map(|write| write.task).find(|other| *other >= task) {
                    self.history.violate(format!("task {task} was given out after task {newer}"));
                }
                let write = model.write(id);
                (write.returned, write.task) = (Some(tick), Some(task));
                world.note(format_args!("client {}: write {id} is task {task}", self.client));
            }
            Heard::Response(Err(error)) => {
                model.write(id).returned = Some(tick);
                model.end(id, Outcome::Maybe, now);
                world.note(format_args!(
                    "client {}: write {id} failed: {}",
                    self.client,
                    error_chain(&error)
                ));
            }
            Heard::Silence => {
                model.end(id, Outcome::Maybe, now);
                world.note(format_args!("client {}: write {id} got no response", self.client));
            }
            Heard::Nothing => {
                model.write(id).returned = Some(tick);
                model.end(id, Outcome::Void, now);
                world.note(format_args!("client {}: write {id} was not taken", self.client));
            }
        }
    }

    async fn put(&self, documents: Vec<u64>, replace: bool) {
        let index = self.index;
        let ids = documents.clone();
        let effect = |version| if replace { Effect::Put(version) } else { Effect::Update(version) };
        self.write(documents, effect, |to, uid, effect| async move {
            let lines: Vec<String> =
                ids.iter().map(|id| document_of(index, *id, effect).to_string()).collect();
            let mode = if replace { WriteMode::Replace } else { WriteMode::Update };
            let write = DocumentWrite {
                index: uid,
                primary_key: Some("id".to_owned()),
                mode,
                format: PayloadFormat::Json,
                body: Bytes::from(format!("[{}]", lines.join(","))),
                custom_metadata: None,
            };
            to.document.documents_write(write).await
        })
        .await;
    }

    async fn delete(
        &self,
        documents: Vec<u64>,
        effect: impl FnOnce(Version) -> Effect,
        selection: DocumentSelection,
    ) {
        self.write(documents, effect, |to, uid, _| async move {
            to.document.documents_delete(uid, selection, None).await
        })
        .await;
    }

    async fn set(&self) {
        self.write(Vec::new(), Effect::Settings, |to, uid, effect| async move {
            let action = SettingsAction::Update(settings_of(effect));
            let change = SettingsChange { setting: None, action };
            to.settings.settings_change(uid, change).await
        })
        .await;
    }

    async fn flip(&self) {
        let history = self.history;
        let (id, _) = history.model.lock().begin(self.index, &[], |_| Effect::Flip);
        let target = self.uid();
        let heard = match self.writer() {
            Some(to) => {
                self.call(&to, |to| async move {
                    let change = json!({ "target": target, "requireTargetExists": false });
                    let new = json!({ "name": ALIAS, "target": target, "requireTargetExists": false });
                    let change = AliasChange::from_json(change)?;
                    match to.alias.alias_flip(uid(ALIAS), change, None).await {
                        Err(ApiError::Refused { .. }) => {
                            to.alias.alias_create(NewAlias::from_json(new)?).await
                        }
                        other => other,
                    }
                })
                .await
            }
            None => Heard::Nothing,
        };
        let mut model = history.model.lock();
        let (now, tick) = (history.world.elapsed(), model.tick());
        match heard {
            Heard::Response(Ok(_)) => {
                model.write(id).returned = Some(tick);
                // Other instances see it a moment later.
                model.end(id, Outcome::Succeeded, now + NEWS);
            }
            Heard::Response(Err(_)) => {
                model.write(id).returned = Some(tick);
                model.end(id, Outcome::Maybe, now);
            }
            Heard::Silence => model.end(id, Outcome::Maybe, now),
            Heard::Nothing => {
                model.write(id).returned = Some(tick);
                model.end(id, Outcome::Void, now);
            }
        }
    }

    /// Asks a read, and compares its answer with `judge` unless it is marked. A refusal says nothing, except
    /// that the index or the document is not there.
    async fn ask<F>(
        &self,
        call: impl FnOnce(Arc<Running>) -> F,
        judge: impl FnOnce(&History, Result<&Value, &str>, Window) -> Option<String>,
    ) where
        F: Future<Output = Result<ReadResponse, ApiError>>,
    {
        let history = self.history;
        let Some(to) = history.instances.get(self.instance) else { return };
        let (asked, at) = (history.model.lock().tick(), history.world.elapsed());
        let stale_reads = to.infrastructure.last_known.stale_reads();
        let heard = self.call(&to, call).await;
        let is_marked = to.infrastructure.last_known.registry_age(stale_reads).is_some();
        let Heard::Response(answer) = heard else { return };
        let settled = at;
        let answered = history.model.lock().tick();
        let window = Window { asked, settled, answered };
        let counts = &history.counts;
        let outcome = match &answer {
            _ if is_marked => None,
            Ok(response) if response.degraded.is_some() => None,
            Ok(response) => Some(Ok(&response.body)),
            Err(error) => missing(error).map(Err),
        };
        match (&answer, &outcome) {
            (_, Some(_)) => counts.judged.fetch_add(1, Ordering::Relaxed),
            (Ok(_), None) => counts.marked.fetch_add(1, Ordering::Relaxed),
            (Err(_), None) => counts.refused.fetch_add(1, Ordering::Relaxed),
        };
        if let Err(error) = &answer {
            history.world.note(format_args!("client {}: {}", self.client, error_chain(error)));
        }
        if let Some(wrong) = outcome.and_then(|outcome| judge(history, outcome, window)) {
            history.violate(format!("client {} of instance {}: {wrong}", self.client, self.instance));
        }
    }

    async fn search(&self, by_alias: bool) {
        let name = if by_alias { uid(ALIAS) } else { self.uid() };
        let index = self.index;
        let call = |to: Arc<Running>| async move {
            let request = SearchRequest::from_json(json!({ "q": "", "limit": 1_000 }))?;
            to.search.search(name, request).await
        };
        self.ask(call, |history, answer, window| match answer {
            Ok(body) => {
                let hits = body.get("hits").and_then(Value::as_array).cloned().unwrap_or_default();
                let index = if by_alias { target_of(&hits)? } else { index };
                let model = history.model.lock();
                if by_alias && !model.may_be(index, Register::Alias, index as u64 + 1, window) {
                    return Some(format!("the alias stands for {}", INDEXES[index]));
                }
                match read(&hits) {
                    Ok(found) => {
                        model.wrong_in(index, &found, window).map(|wrong| format!("search: {wrong}"))
                    }
                    Err(wrong) => Some(format!("search: {wrong}")),
                }
            }
            Err(code) if !by_alias => absent(history, index, code, window),
            Err(_) => None,
        })
        .await;
    }

    async fn walk(&self) {
        let (name, index) = (self.uid(), self.index);
        let call = |to: Arc<Running>| async move {
            let mut page = Map::new();
            page.insert("limit".to_owned(), json!(1_000));
            to.document.document_list(name, page).await
        };
        self.ask(call, |history, answer, window| match answer {
            Ok(body) => {
                let model = history.model.lock();
                // Documents move between pages while they are written.
                let moves = |write: &crate::model::Write| {
                    write.index == index
                        && write.start < window.answered
                        && write.outcome != Outcome::Void
                        && (write.outcome != Outcome::Succeeded
                            || write
                                .ended
                                .is_none_or(|(tick, at)| tick > window.asked || at > window.settled))
                };
                if model.writes().iter().any(moves) {
                    return None;
                }
                let results = body.get("results").and_then(Value::as_array).cloned().unwrap_or_default();
                match read(&results) {
                    Ok(found) => model.wrong_in(index, &found, window).map(|wrong| format!("walk: {wrong}")),
                    Err(wrong) => Some(format!("walk: {wrong}")),
                }
            }
            Err(code) => absent(history, index, code, window),
        })
        .await;
    }

    async fn get(&self, id: u64) {
        let (name, index) = (self.uid(), self.index);
        let call = |to: Arc<Running>| async move {
            to.document.document_get(name, id.to_string(), Map::new()).await
        };
        self.ask(call, |history, answer, window| {
            let found = match answer {
                Ok(body) => match read([body]) {
                    Ok(found) => found.get(&id).copied(),
                    Err(wrong) => return Some(wrong),
                },
                Err("document_not_found") => None,
                Err(code) => return absent(history, index, code, window),
            };
            history.model.lock().wrong(index, id, found, window).map(|wrong| format!("read by id: {wrong}"))
        })
        .await;
    }

    async fn count(&self) {
        let (name, index) = (self.uid(), self.index);
        let call = |to: Arc<Running>| async move { to.index.index_stats(name).await };
        self.ask(call, |history, answer, window| match answer {
            Ok(body) => {
                let count = body.get("numberOfDocuments").and_then(Value::as_u64).unwrap_or(u64::MAX);
                let (least, greatest) = history.model.lock().count(index, window);
                (!(least..=greatest).contains(&count)).then(|| {
                    format!("{count} documents in {} instead of {least} to {greatest}", INDEXES[index])
                })
            }
            Err(code) => absent(history, index, code, window),
        })
        .await;
    }

    async fn get_settings(&self) {
        let (name, index) = (self.uid(), self.index);
        let call =
            |to: Arc<Running>| async move { to.settings.settings_get(name, Some(Setting::StopWords)).await };
        self.ask(call, |history, answer, window| match answer {
            Ok(body) => {
                let version = settings_version(body);
                let is_right = history.model.lock().may_be(index, Register::Settings, version, window);
                (!is_right).then(|| format!("settings of {} have version {version}", INDEXES[index]))
            }
            Err(code) => absent(history, index, code, window),
        })
        .await;
    }
}

/// Returns a sentence if an index that is there is said to be missing.
fn absent(history: &History, index: usize, code: &str, window: Window) -> Option<String> {
    history.model.lock().wrongly_absent(index, code, window)
}

/// Returns the code of a refusal that says that something is not there.
fn missing(error: &ApiError) -> Option<&str> {
    let code = match error {
        ApiError::Refused { code, .. } => code.as_str(),
        ApiError::Node { status: 404, error } => error.code.as_str(),
        _ => return None,
    };
    ["index_not_found", "document_not_found"].into_iter().find(|known| *known == code)
}

fn target_of(hits: &[Value]) -> Option<usize> {
    let index = hits.iter().find_map(|hit| hit.get("ix")?.as_u64())?;
    usize::try_from(index).ok().filter(|index| *index < INDEXES.len())
}

/// Returns the uid of a valid name.
pub fn uid(name: &str) -> IndexUid {
    #[expect(clippy::expect_used, reason = "the names are constants")]
    name.parse().expect("a valid name")
}
