//! The comparison of every node with the model and with the other nodes, once everything is healed.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use miroir_domain::placement::{Placement, shard_of};
use miroir_domain::{PhysicalUid, Shard};
use miroir_ports::outbound::{IndexTable as _, ReplicaTable as _};
use serde_json::{Value, json};

use crate::check::{read, settings_version};
use crate::model::{Outcome, Register, Window};
use crate::plan::INDEXES;
use crate::state::{ALL, History};
use crate::world::MASTER_KEY;

/// The name of the index that marks nodes without a key.
const MARKER: &str = "_miroir_marker";

/// The expectation of a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It has what the model has, and is equal to the others.
    Right,
    /// It is equal to the others.
    Equal,
}

/// Compares the replicas in sync with the model while some have lost documents for good.
pub async fn compare_in_sync(history: &Arc<History>) {
    let window = history.model.lock().last_window();
    let rows = history.world.store.replica_list(None, ALL).await.unwrap_or_default();
    let entries = history.world.store.index_list(None, ALL).await.unwrap_or_default();
    for (index, name) in INDEXES.iter().enumerate() {
        let Some(entry) = entries.iter().find(|entry| entry.uid.as_str() == *name) else { continue };
        let placement = Placement::new(&history.world.shape.topology(), entry.shard_count);
        for (number, node) in history.world.nodes.iter().enumerate() {
            let row = rows.iter().find(|row| row.index == entry.physical_uid && row.node == node.id);
            if row.is_some_and(|row| row.state.index.is_some()) {
                continue;
            }
            let stale = row.map(|row| row.state.shard_set()).unwrap_or_default();
            let in_sync = placement.shards_of(&node.id).difference(&stale);
            let Some(documents) = documents_of(history, number, &entry.physical_uid) else { continue };
            let Ok(found) = read(&documents) else { continue };
            let model = history.model.lock();
            let wrong = crate::model::all_documents()
                .filter(|id| in_sync.contains(shard_of(&id.to_string(), entry.shard_count)))
                .find_map(|id| model.wrong(index, id, found.get(&id).copied(), window));
            drop(model);
            if let Some(wrong) = wrong {
                history.violate(format!("after a loss, node {number} counts as in sync: {wrong}"));
            }
        }
    }
}

/// Returns the documents of an index on a node, or `None` if it does not list them.
fn documents_of(history: &History, node: usize, uid: &PhysicalUid) -> Option<Vec<Value>> {
    let body = json!({ "limit": 1_000 });
    let answer = ask(history, node, "POST", &format!("/indexes/{uid}/documents/fetch"), &body);
    answer.get("results").and_then(Value::as_array).cloned()
}

/// Compares all nodes.
pub async fn compare(history: &Arc<History>, expected: Expected) {
    let window = history.model.lock().last_window();
    let open = history.model.lock().writes().iter().filter(|write| write.outcome == Outcome::Open).count();
    if open > 0 {
        history.violate(format!("{open} writes are still open at the end"));
    }
    let entries = history.world.store.index_list(None, 1_000).await.unwrap_or_default();
    for (index, name) in INDEXES.iter().enumerate() {
        let entry = entries.iter().find(|entry| entry.uid.as_str() == *name);
        let presence = u64::from(entry.is_some());
        if !history.model.lock().may_be(index, Register::Index, presence, window) {
            history.violate(format!(
                "at the end, index {name} is {}there",
                if presence == 1 { "" } else { "not " }
            ));
        }
        if let Some(entry) = entry {
            compare_index(history, index, &entry.physical_uid, entry.shard_count, window, expected);
        }
    }
    for (number, _) in history.world.nodes.iter().enumerate() {
        let listed = ask(history, number, "GET", "/indexes?limit=1000", &Value::Null);
        let listed = listed.get("results").and_then(Value::as_array).cloned().unwrap_or_default();
        for uid in listed.iter().filter_map(|index| index.get("uid")?.as_str()) {
            if uid != MARKER && entries.iter().all(|entry| entry.physical_uid.as_str() != uid) {
                history.violate(format!("at the end, node {number} still has index {uid}"));
            }
        }
    }
}

/// Compares the copies of one index.
fn compare_index(
    history: &Arc<History>,
    index: usize,
    uid: &PhysicalUid,
    shard_count: u32,
    window: Window,
    expected: Expected,
) {
    let world = &history.world;
    let placement = Placement::new(&world.shape.topology(), shard_count);
    let mut copies: BTreeMap<Shard, (usize, BTreeMap<u64, Value>)> = BTreeMap::new();
    let mut settings: Option<(usize, Value)> = None;
    for (number, node) in world.nodes.iter().enumerate() {
        let Some(documents) = documents_of(history, number, uid) else {
            history.violate(format!("at the end, node {number} does not have {uid}"));
            continue;
        };
        let found = match read(&documents) {
            Ok(found) => found,
            Err(wrong) => {
                history.violate(format!("at the end, node {number}: {wrong}"));
                continue;
            }
        };
        let kept = placement.shards_of(&node.id);
        for shard in kept.iter() {
            let of_shard: BTreeMap<u64, Value> = documents
                .iter()
                .filter_map(|document| Some((document.get("id")?.as_u64()?, document.clone())))
                .filter(|(id, _)| shard_of(&id.to_string(), shard_count) == shard)
                .collect();
            match copies.get(&shard) {
                Some((other, copy)) if *copy != of_shard => history.violate(format!(
                    "at the end, shard {shard} of {uid} differs: node {other} has {}, node {number} has {}",
                    brief(copy),
                    brief(&of_shard)
                )),
                Some(_) => {}
                None => drop(copies.insert(shard, (number, of_shard))),
            }
        }
        let model = history.model.lock();
        for id in crate::model::all_documents() {
            let keeps = kept.contains(shard_of(&id.to_string(), shard_count));
            let wrong = match found.get(&id) {
                Some(_) if !keeps => Some(format!("document {id} of {uid} does not belong there")),
                None if !keeps => None,
                other if expected == Expected::Right => model.wrong(index, id, other.copied(), window),
                _ => None,
            };
            if let Some(wrong) = wrong {
                drop(model);
                return history.violate(format!("at the end, node {number}: {wrong}"));
            }
        }
        drop(model);
        let found = ask(history, number, "GET", &format!("/indexes/{uid}/settings"), &Value::Null);
        let version = settings_version(found.get("stopWords").unwrap_or(&Value::Null));
        if !history.model.lock().may_be(index, Register::Settings, version, window) {
            history.violate(format!("at the end, node {number} has settings {version} of {uid}"));
        }
        match &settings {
            Some((other, known)) if *known != found => history.violate(format!(
                "at the end, the settings of {uid} differ: node {other} has {known}, node {number} has {found}"
            )),
            Some(_) => {}
            None => settings = Some((number, found)),
        }
    }
}

fn brief(documents: &BTreeMap<u64, Value>) -> String {
    let texts: Vec<String> =
        documents.iter().map(|(id, document)| format!("{id}:{}/{}", document["v"], document["p"])).collect();
    format!("[{}]", texts.join(" "))
}

/// Asks a node directly.
fn ask(history: &History, node: usize, method: &str, path: &str, body: &Value) -> Value {
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header(http::header::AUTHORIZATION, format!("Bearer {MASTER_KEY}"))
        .header(http::header::CONTENT_TYPE, "application/json");
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    #[expect(clippy::expect_used, reason = "the paths consist of valid names")]
    let request = request.body(body).expect("a valid request");
    let answer = history.world.nodes[node].server.respond(request);
    answer.and_then(|answer| serde_json::from_slice(answer.body()).ok()).unwrap_or(Value::Null)
}
