//! One Meilisearch server in memory: indexes, documents, settings, and a queue of tasks worked off in order.

use std::collections::BTreeMap;

use miroir_domain::error::ResponseError;
use miroir_domain::identity::{NodeFacts, SeenTask};
use miroir_domain::settings::{Setting, SettingsAction, SettingsChange, take_secrets};
use miroir_domain::task::{NodeTaskReport, TaskStatus};
use miroir_domain::write::{WriteMode, WriteOperation};
use miroir_domain::{PhysicalUid, Timestamp};
use miroir_ports::outbound::{NodeRead, NodeSearch, NodeWrite};
use serde_json::{Map, Value, json};

use super::filter::admits;

/// A refusal: its status and its words.
pub type Refusal = (u16, ResponseError);

#[derive(Default)]
pub struct Server {
    /// Accepts tasks but works off none.
    pub paused: bool,
    /// The marker.
    pub marker: Option<String>,
    pub indexes: BTreeMap<PhysicalUid, Index>,
    tasks: Vec<Queued>,
    /// The type of task that fails the next time one is worked off.
    failing: Option<&'static str>,
}

#[derive(Default, Clone)]
pub struct Index {
    pub primary_key: Option<String>,
    pub documents: BTreeMap<String, Map<String, Value>>,
    pub settings: Map<String, Value>,
    /// Every version of every document in the order in which it was written.
    pub history: Vec<Value>,
}

struct Queued {
    report: NodeTaskReport,
    index: PhysicalUid,
    operation: WriteOperation,
}

pub fn error(code: &str, message: impl Into<String>) -> ResponseError {
    ResponseError {
        message: message.into(),
        code: code.to_owned(),
        kind: "invalid_request".to_owned(),
        link: String::new(),
    }
}

impl Index {
    fn filterable(&self) -> Vec<Value> {
        self.settings.get("filterableAttributes").and_then(Value::as_array).cloned().unwrap_or_default()
    }

    fn matching(&self, filter: &Value) -> Result<Vec<&Map<String, Value>>, ResponseError> {
        let filterable = self.filterable();
        let mut found = Vec::new();
        for document in self.documents.values() {
            match admits(filter, &filterable, document) {
                Ok(true) => found.push(document),
                Ok(false) => {}
                Err(message) => return Err(error("invalid_document_filter", message)),
            }
        }
        if self.documents.is_empty() {
            admits(filter, &filterable, &Map::new())
                .map_err(|message| error("invalid_document_filter", message))?;
        }
        Ok(found)
    }

    fn id_of(&self, document: &Map<String, Value>) -> String {
        let key = self.primary_key.as_deref().unwrap_or_default();
        document[key].to_string().trim_matches('"').to_owned()
    }

    /// All settings as the server shows them: keys of embedders are cut.
    fn shown_settings(&self) -> Value {
        let Value::Object(mut settings) = self.all_settings() else { unreachable!("settings are an object") };
        take_secrets(&mut settings);
        Value::Object(settings)
    }

    /// All settings, defaults included.
    pub fn all_settings(&self) -> Value {
        let mut settings = self.settings.clone();
        settings.entry("filterableAttributes").or_insert_with(|| json!([]));
        Value::Object(settings)
    }
}

impl Server {
    /// Enqueues a write; answers with its uid.
    pub fn enqueue(&mut self, write: NodeWrite, now: Timestamp) -> u32 {
        let uid = u32::try_from(self.tasks.len()).unwrap();
        let on_document_route = !matches!(
            write.operation,
            WriteOperation::IndexCreate { .. } | WriteOperation::IndexDelete | WriteOperation::Settings(_)
        );
        let report = NodeTaskReport {
            uid,
            status: TaskStatus::Enqueued,
            kind: kind_of(&write.operation).to_owned(),
            index_uid: Some(write.index.to_string()),
            error: None,
            details: None,
            enqueued_at: now,
            started_at: None,
            finished_at: None,
            custom_metadata: write.custom_metadata.filter(|_| on_document_route),
        };
        self.tasks.push(Queued { report, index: write.index, operation: write.operation });
        self.work(now);
        uid
    }

    /// Answers an inspection.
    pub fn facts(&self, remembered: Option<u32>) -> NodeFacts {
        let seen = |task: &Queued| SeenTask {
            uid: task.report.uid,
            enqueued_at: task.report.enqueued_at.to_string(),
        };
        NodeFacts {
            version: "1.50.0".to_owned(),
            marker: self.marker.clone(),
            has_documents: self.indexes.values().any(|index| !index.documents.is_empty()),
            newest_task: self.tasks.last().map(seen),
            remembered_task: remembered.and_then(|uid| self.tasks.get(uid as usize)).map(seen),
        }
    }

    /// Works off the queue, unless paused.
    pub fn work(&mut self, now: Timestamp) {
        if self.paused {
            return;
        }
        for position in 0..self.tasks.len() {
            if self.tasks[position].report.status.is_finished() {
                continue;
            }
            let (index, operation) =
                (self.tasks[position].index.clone(), self.tasks[position].operation.clone());
            let outcome = if self.failing.take_if(|kind| *kind == kind_of(&operation)).is_some() {
                Err(error("no_space_left_on_device", "the disk is full"))
            } else {
                self.carry_out(&index, operation)
            };
            let report = &mut self.tasks[position].report;
            report.started_at = Some(now);
            report.finished_at = Some(now);
            match outcome {
                Ok(()) => report.status = TaskStatus::Succeeded,
                Err(error) => {
                    report.status = TaskStatus::Failed;
                    report.error = Some(error);
                }
            }
        }
    }

    /// The next task of this type that is worked off fails.
    pub fn fail_next(&mut self, kind: &'static str) {
        self.failing = Some(kind);
    }

    pub fn reports(&self) -> Vec<NodeTaskReport> {
        self.tasks.iter().map(|task| task.report.clone()).collect()
    }

    /// Forgets everything, as a server whose disk was replaced.
    pub fn wipe(&mut self) {
        *self = Self::default();
    }

    fn carry_out(&mut self, uid: &PhysicalUid, operation: WriteOperation) -> Result<(), ResponseError> {
        match operation {
            WriteOperation::DocumentsAdd { primary_key, mode, documents } => {
                let index = self.indexes.entry(uid.clone()).or_default();
                let given = primary_key.map(|key| key.as_str().to_owned());
                if let (Some(known), Some(given)) = (&index.primary_key, &given)
                    && known != given
                {
                    let message = format!("Index `{uid}` already has a primary key: `{known}`.");
                    return Err(error("index_primary_key_already_exists", message));
                }
                index.primary_key = index.primary_key.take().or(given);
                let text: Vec<u8> = documents.chunks().flatten().collect();
                for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                    add(index, serde_json::from_slice(line).unwrap(), mode);
                }
                Ok(())
            }
            WriteOperation::IndexCreate { primary_key } => {
                if self.indexes.contains_key(uid) {
                    return Err(error("index_already_exists", format!("Index `{uid}` already exists.")));
                }
                let primary_key = primary_key.map(|key| key.as_str().to_owned());
                self.indexes.insert(uid.clone(), Index { primary_key, ..Index::default() });
                Ok(())
            }
            WriteOperation::Settings(change) => {
                change_settings(self.indexes.entry(uid.clone()).or_default(), change);
                Ok(())
            }
            WriteOperation::IndexDelete => self.indexes.remove(uid).map(drop).ok_or_else(|| missing(uid)),
            deletion => delete(self.indexes.get_mut(uid).ok_or_else(|| missing(uid))?, deletion),
        }
    }

    pub fn read(&self, read: &NodeRead) -> Result<Value, Refusal> {
        let find = |uid: &PhysicalUid| self.indexes.get(uid).ok_or_else(|| (404, missing(uid)));
        match read {
            NodeRead::Version => Ok(json!({ "pkgVersion": "1.50.0" })),
            NodeRead::IndexList { offset, limit } => {
                let all: Vec<Value> = self.indexes.iter().map(|(uid, index)| described(uid, index)).collect();
                let page = page_of(&all, *offset, *limit);
                Ok(json!({ "results": page, "offset": offset, "limit": limit, "total": all.len() }))
            }
            NodeRead::Index(uid) => Ok(described(uid, find(uid)?)),
            NodeRead::Stats(uid) => Ok(stats(find(uid)?)),
            NodeRead::AllStats => {
                let all: Map<String, Value> =
                    self.indexes.iter().map(|(uid, index)| (uid.to_string(), stats(index))).collect();
                Ok(json!({ "databaseSize": 100, "usedDatabaseSize": 60, "lastUpdate": null, "indexes": all }))
            }
            NodeRead::Settings(uid, setting) => {
                let all = find(uid)?.shown_settings();
                Ok(setting.map_or(all.clone(), |one: Setting| all[one.key()].clone()))
            }
            NodeRead::Document(uid, id, _) => {
                let document = find(uid)?.documents.get(id.as_str());
                document.cloned().map(Value::Object).ok_or_else(|| {
                    (404, error("document_not_found", format!("Document `{}` not found.", id.as_str())))
                })
            }
            NodeRead::Documents(uid, body) => {
                let index = find(uid)?;
                let mut found = index.matching(&body["filter"]).map_err(|error| (400, error))?;
                if let Some(ids) = body.get("ids").and_then(Value::as_array) {
                    let id_of = |document: &Map<String, Value>| index.id_of(document);
                    found.retain(|document| ids.iter().any(|id| id.as_str() == Some(&id_of(document))));
                }
                let offset = body.get("offset").and_then(Value::as_u64).unwrap_or(0);
                let limit = body["limit"].as_u64().unwrap();
                let mut page: Vec<Map<String, Value>> =
                    page_of(&found, offset, limit).into_iter().cloned().collect();
                if let Some(fields) = body.get("fields").and_then(Value::as_array) {
                    for document in &mut page {
                        document.retain(|name, _| fields.iter().any(|field| field == name));
                    }
                }
                Ok(json!({ "results": page, "offset": offset, "limit": limit, "total": found.len() }))
            }
        }
    }

    pub fn search(&self, asked: &NodeSearch) -> Result<Value, Refusal> {
        let index = self.indexes.get(&asked.index).ok_or_else(|| (404, missing(&asked.index)))?;
        search(index, &asked.body)
    }
}

fn stats(index: &Index) -> Value {
    let mut fields: BTreeMap<&String, u64> = BTreeMap::new();
    for name in index.documents.values().flat_map(Map::keys) {
        *fields.entry(name).or_default() += 1;
    }
    json!({ "numberOfDocuments": index.documents.len(), "isIndexing": false, "fieldDistribution": fields })
}

fn add(index: &mut Index, document: Map<String, Value>, mode: WriteMode) {
    let key = index.primary_key.clone().expect("Miroir sends the primary key with every document");
    let id = document[&key].to_string().trim_matches('"').to_owned();
    index.history.push(Value::Object(document.clone()));
    match (mode, index.documents.get_mut(&id)) {
        (WriteMode::Update, Some(known)) => known.extend(document),
        _ => drop(index.documents.insert(id, document)),
    }
}

fn delete(index: &mut Index, deletion: WriteOperation) -> Result<(), ResponseError> {
    match deletion {
        WriteOperation::DocumentsDelete(ids) => {
            for id in ids {
                index.documents.remove(id.as_str());
            }
        }
        WriteOperation::DocumentsDeleteByFilter(filter) => {
            index.matching(&filter)?;
            let filterable = index.filterable();
            index.documents.retain(|_, document| !admits(&filter, &filterable, document).unwrap());
        }
        _ => index.documents.clear(),
    }
    Ok(())
}

fn change_settings(index: &mut Index, change: SettingsChange) {
    let changes: Map<String, Value> = match (change.setting, change.action) {
        (Some(setting), SettingsAction::Update(value)) => Map::from_iter([(setting.key().to_owned(), value)]),
        (Some(setting), SettingsAction::Reset) => Map::from_iter([(setting.key().to_owned(), Value::Null)]),
        (None, SettingsAction::Update(Value::Object(settings))) => settings,
        (None, _) => return index.settings.clear(),
    };
    for (key, value) in changes {
        if value.is_null() {
            index.settings.remove(&key);
        } else if key == "embedders" {
            let known = index.settings.entry(key).or_insert_with(|| json!({}));
            change_embedders(known.as_object_mut().unwrap(), value);
        } else {
            index.settings.insert(key, value);
        }
    }
}

fn change_embedders(embedders: &mut Map<String, Value>, change: Value) {
    let Value::Object(change) = change else { panic!("embedders are an object") };
    for (name, fields) in change {
        let Value::Object(fields) = fields else {
            embedders.remove(&name);
            continue;
        };
        let embedder = embedders.entry(name).or_insert_with(|| json!({})).as_object_mut().unwrap();
        embedder.extend(fields);
        embedder.retain(|_, value| !value.is_null());
    }
}

fn search(index: &Index, body: &Map<String, Value>) -> Result<Value, Refusal> {
    let filter = body.get("filter").unwrap_or(&Value::Null);
    let query = body.get("q").and_then(Value::as_str).unwrap_or_default();
    let mut found = index.matching(filter).map_err(|error| (400, error))?;
    found.retain(|document| document["title"].as_str().unwrap_or_default().contains(query));
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for document in &found {
        *counts.entry(document["genre"].as_str().unwrap_or_default()).or_default() += 1;
    }
    let hits: Vec<Value> = page_of(&found, 0, body["limit"].as_u64().unwrap())
        .iter()
        .map(|document| {
            let mut hit = (*document).clone();
            hit.insert("_rankingScoreDetails".to_owned(), json!({}));
            Value::Object(hit)
        })
        .collect();
    let mut answer = json!({
        "hits": hits, "query": query, "processingTimeMs": 1, "estimatedTotalHits": found.len(),
        "limit": body["limit"], "offset": 0,
    });
    if body.contains_key("facets") {
        answer["facetDistribution"] = json!({ "genre": counts });
        answer["facetStats"] = json!({});
    }
    Ok(answer)
}

fn described(uid: &PhysicalUid, index: &Index) -> Value {
    json!({ "uid": uid.as_str(), "primaryKey": index.primary_key })
}

fn page_of<T: Clone>(all: &[T], offset: u64, limit: u64) -> Vec<T> {
    let (offset, limit) = (usize::try_from(offset).unwrap(), usize::try_from(limit).unwrap());
    all.iter().skip(offset).take(limit).cloned().collect()
}

fn missing(uid: &PhysicalUid) -> ResponseError {
    error("index_not_found", format!("Index `{uid}` not found."))
}

fn kind_of(operation: &WriteOperation) -> &'static str {
    match operation {
        WriteOperation::DocumentsAdd { .. } => "documentAdditionOrUpdate",
        WriteOperation::DocumentsDelete(_)
        | WriteOperation::DocumentsDeleteByFilter(_)
        | WriteOperation::DocumentsDeleteAll => "documentDeletion",
        WriteOperation::IndexCreate { .. } => "indexCreation",
        WriteOperation::IndexDelete => "indexDeletion",
        WriteOperation::Settings(_) => "settingsUpdate",
    }
}
