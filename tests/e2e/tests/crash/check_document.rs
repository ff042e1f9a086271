//! Check of documents: every replica has every document that was written, and Miroir returns the same.

use std::collections::{BTreeMap, BTreeSet};

use miroir_domain::placement::shard_of;
use miroir_e2e::Client;
use serde_json::{Map, Value};

use super::case::Case;
use super::evidence::{missed_shards, parts};
use super::ledger::{Attempt, Write};
use super::outcome::{Outcome, possible};
use super::writer::LASTING;

/// Shards of an index, as the harness configures them.
const SHARDS: u32 = 16;

type Document = Option<Map<String, Value>>;

/// The node tasks of one index.
struct Index<'a> {
    case: &'a Case,
    uid: &'a str,
    /// Each attempt that became a task, in order.
    written: Vec<(&'a Attempt, &'a Value)>,
}

/// Compares the documents of nodes and Miroir with the tasks.
pub async fn check(case: &Case) -> Vec<String> {
    let by_metadata: BTreeMap<&str, &Value> = case
        .evidence
        .tasks
        .values()
        .filter_map(|task| Some((task["customMetadata"].as_str()?, task)))
        .collect();
    let mut wrong = Vec::new();
    for uid in LASTING {
        let of_index = case.attempts.iter().filter(|attempt| attempt.index == uid);
        let written = of_index
            .filter_map(|attempt| Some((attempt, *by_metadata.get(attempt.metadata().as_str())?)))
            .collect();
        let index = Index { case, uid, written };
        wrong.extend(index.check().await);
    }
    wrong
}

impl Index<'_> {
    async fn check(&self) -> Vec<String> {
        let mut stored = BTreeMap::new();
        for (node, client) in &self.case.nodes {
            match listed(client, self.uid).await {
                Ok(documents) => stored.insert(node.as_str(), documents),
                Err(refusal) => return vec![format!("{node}: {refusal}")],
            };
        }
        let (shown, found) =
            match (listed(&self.case.client, self.uid).await, searched(&self.case.client, self.uid).await) {
                (Ok(shown), Ok(found)) => (shown, found),
                (Err(refusal), _) | (_, Err(refusal)) => return vec![refusal],
            };
        let mut wrong = Vec::new();
        if !shown.keys().eq(&found) {
            wrong.push(format!("a search of {} finds {found:?}, a listing {:?}", self.uid, shown.keys()));
        }
        let ids: BTreeSet<&str> = self.written.iter().flat_map(|(attempt, _)| attempt.write.ids()).collect();
        for id in ids {
            self.check_document(id, &stored, shown.get(id), &mut wrong);
        }
        wrong
    }

    fn check_document(
        &self,
        id: &str,
        stored: &BTreeMap<&str, BTreeMap<String, Map<String, Value>>>,
        shown: Option<&Map<String, Value>>,
        wrong: &mut Vec<String>,
    ) {
        let shard = shard_number(id);
        let replicas = self.replicas(shard);
        let allowed = self.possible(id, shard);
        for (node, documents) in stored {
            let found: Document = documents.get(id).cloned();
            if !replicas.contains(node) {
                if found.is_some() {
                    wrong.push(format!("{node} has {id}, which is not assigned to it"));
                }
            } else if !allowed.contains(&found) {
                let history = self.history(id, shard);
                wrong
                    .push(format!("{node} has {found:?}, not one of {allowed:?}; writes to {id}: {history}"));
            } else if found.as_ref() != shown {
                wrong.push(format!("{node} has {found:?}, but Miroir shows {shown:?} of {id}"));
            }
        }
    }

    /// Returns the nodes that got writes to the shard.
    fn replicas(&self, shard: u64) -> BTreeSet<&str> {
        let mut nodes = BTreeSet::new();
        for node in self.case.nodes.keys() {
            let sent = self.written.iter().any(|(_, task)| {
                parts(task).any(|part| part.node == node && part.shards.contains(&shard))
                    || missed_shards(task, node).is_some_and(|shards| shards.contains(&shard))
            });
            if sent {
                nodes.insert(node.as_str());
            }
        }
        nodes
    }

    fn outcome(&self, task: &Value, shard: u64) -> Outcome {
        Outcome::of(task, |part| part.shards.contains(&shard) && self.case.evidence.has_executed(part))
    }

    fn writes_to(&self, id: &str, shard: u64) -> Vec<(&Attempt, Outcome)> {
        let touching = self.written.iter().filter(|(attempt, _)| attempt.write.ids().contains(&id));
        touching.map(|(attempt, task)| (*attempt, self.outcome(task, shard))).collect()
    }

    fn possible(&self, id: &str, shard: u64) -> Vec<Document> {
        possible(&self.writes_to(id, shard), &None, |document, attempt| apply(document, attempt, id))
    }

    /// Returns the last writes to a document as text, the newest one first.
    fn history(&self, id: &str, shard: u64) -> String {
        let writes = self.writes_to(id, shard);
        let lines = writes.iter().rev().take(6).map(|(attempt, outcome)| {
            let (number, kind, uid) = (attempt.number, attempt.write.kind(), attempt.uid);
            format!("\n  {number} {kind} acknowledged: {uid:?} {outcome:?}")
        });
        lines.collect()
    }
}

fn apply(document: &Document, attempt: &Attempt, id: &str) -> Document {
    let given = |documents: &[Value]| documents.iter().find(|given| given["id"] == id)?.as_object().cloned();
    match &attempt.write {
        Write::Put(documents) => given(documents),
        Write::Update(documents) => {
            let mut merged = document.clone().unwrap_or_default();
            merged.extend(given(documents).unwrap_or_default());
            Some(merged)
        }
        Write::Delete(_) => None,
        _ => document.clone(),
    }
}

/// Returns the documents of an index by id, without the fields that Miroir adds for nodes. Returns no
/// documents if there is no such index, and an error for a refusal, which may be temporary.
pub async fn listed(client: &Client, index: &str) -> Result<BTreeMap<String, Map<String, Value>>, String> {
    let response = client.get(&format!("/indexes/{index}/documents?limit=1000")).await.unwrap();
    if response.status == 404 {
        return Ok(BTreeMap::new());
    }
    let page = response.expect(200).map_err(|refusal| format!("{index} cannot be listed: {refusal}"))?;
    let mut documents = BTreeMap::new();
    for document in page["results"].as_array().into_iter().flatten() {
        let mut document = document.as_object().unwrap().clone();
        document.remove("_miroir_shard");
        let id = document["id"].as_str().unwrap().to_owned();
        assert!(documents.insert(id, document).is_none(), "a document is listed twice: {page}");
    }
    Ok(documents)
}

/// Returns the ids that a placeholder search finds, in order.
async fn searched(client: &Client, index: &str) -> Result<Vec<String>, String> {
    let body = serde_json::json!({ "limit": 1_000 });
    let response = client.call("POST", &format!("/indexes/{index}/search"), body).await.unwrap();
    let response =
        response.expect(200).map_err(|refusal| format!("{index} cannot be searched: {refusal}"))?;
    let hits = response["hits"].as_array().unwrap().iter();
    let mut ids: Vec<String> = hits.map(|hit| hit["id"].as_str().unwrap().to_owned()).collect();
    ids.sort_unstable();
    Ok(ids)
}

/// Returns the shard of a document, as task rows print it.
fn shard_number(id: &str) -> u64 {
    u64::from(shard_of(id, SHARDS).0)
}
