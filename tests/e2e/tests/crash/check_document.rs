//! Check of documents: every node has every document it accepted, and Miroir returns the same.

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
        // Replicas that missed different writes stay different, and two reads may use either.
        let differ: Vec<&String> = shown
            .keys()
            .filter(|id| !found.contains(id))
            .chain(found.iter().filter(|id| !shown.contains_key(*id)))
            .filter(|id| self.is_whole(shard_number(id)))
            .collect();
        if !differ.is_empty() {
            wrong.push(format!("a search of {} and a listing differ in {differ:?}", self.uid));
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
        let is_whole = self.is_whole(shard);
        let mut allowed_anywhere = Vec::new();
        for (node, documents) in stored {
            let found: Document = documents.get(id).cloned();
            if !replicas.contains(node) {
                if found.is_some() {
                    wrong.push(format!("{node} has {id}, which is not assigned to it"));
                }
                continue;
            }
            let mut allowed = self.possible_on(node, id, shard);
            // A replica with all writes repairs the others.
            if is_whole {
                allowed.drain(..allowed.len() - 1);
            }
            if !allowed.contains(&found) {
                wrong.push(format!(
                    "{node} has {found:?}, not one of {allowed:?}; whole: {is_whole}; writes to {id}: {}",
                    self.history(node, id, shard)
                ));
            }
            allowed_anywhere.extend(allowed);
        }
        if !allowed_anywhere.contains(&shown.cloned()) {
            wrong.push(format!("Miroir shows {shown:?} of {id}, not one of {allowed_anywhere:?}"));
        }
    }

    /// Returns whether some replica has every write to the shard, so that the others are repaired from it.
    fn is_whole(&self, shard: u64) -> bool {
        self.replicas(shard).iter().any(|node| !self.missed_any(node, shard))
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

    /// Returns whether the node missed a write to the shard that another node accepted.
    fn missed_any(&self, node: &str, shard: u64) -> bool {
        self.written.iter().any(|(_, task)| {
            let outcome = self.outcome(node, task, shard);
            outcome.anywhere && !outcome.here
        })
    }

    fn outcome(&self, node: &str, task: &Value, shard: u64) -> Outcome {
        let done = |wanted: Option<&str>| {
            parts(task).any(|part| {
                let node_task = part.uid.and_then(|uid| self.case.evidence.node_tasks[part.node].get(&uid));
                wanted.is_none_or(|wanted| wanted == part.node)
                    && part.shards.contains(&shard)
                    && node_task.is_some_and(|node_task| node_task["status"] == "succeeded")
            })
        };
        Outcome { here: done(Some(node)), anywhere: done(None) }
    }

    fn writes_to(&self, node: &str, id: &str, shard: u64) -> Vec<(&Attempt, Outcome)> {
        let touching = self.written.iter().filter(|(attempt, _)| attempt.write.ids().contains(&id));
        touching.map(|(attempt, task)| (*attempt, self.outcome(node, task, shard))).collect()
    }

    fn possible_on(&self, node: &str, id: &str, shard: u64) -> Vec<Document> {
        possible(&self.writes_to(node, id, shard), &None, |document, attempt| apply(document, attempt, id))
    }

    fn history(&self, node: &str, id: &str, shard: u64) -> String {
        let writes = self.writes_to(node, id, shard);
        let lines = writes.iter().rev().take(6).map(|(attempt, outcome)| {
            format!(
                "\n  {} {} acknowledged: {:?} {outcome:?}",
                attempt.number,
                attempt.write.kind(),
                attempt.uid
            )
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
