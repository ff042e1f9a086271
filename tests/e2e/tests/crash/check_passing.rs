//! Check of indexes that are created and deleted: each exists on all nodes or on none, and no deleted
//! document returns.

use std::collections::{BTreeMap, BTreeSet};

use miroir_domain::PhysicalUid;
use miroir_e2e::Client;

use super::case::Case;
use super::check_document::listed;
use super::evidence::parts;
use super::ledger::{Attempt, Write};
use super::writer::PASSING;

/// Possible state of one index after some attempts.
#[derive(Debug, Default)]
struct Belief {
    may_exist: bool,
    may_lack: bool,
    /// Documents that exist if the index exists, with their tasks.
    certain: BTreeMap<String, u64>,
    /// Documents that may exist.
    possible: BTreeSet<String>,
    /// First task of the index in its current life.
    first_task: u64,
}

/// Derives the possible state of each index from its attempts, and compares it.
pub async fn check(case: &Case) -> Vec<String> {
    let mut wrong = Vec::new();
    for index in PASSING {
        let mut belief = Belief { may_lack: true, ..Belief::default() };
        for attempt in case.attempts.iter().filter(|attempt| attempt.index == index) {
            if let Some(contradiction) = belief.follow(case, attempt) {
                wrong.push(contradiction);
            }
        }
        look(case, index, &belief, &mut wrong).await;
    }
    wrong
}

impl Belief {
    fn follow(&mut self, case: &Case, attempt: &Attempt) -> Option<String> {
        let status = |uid| case.evidence.tasks.get(&uid)?["status"].as_str();
        let Some((uid, status)) = attempt.uid.and_then(|uid| Some((uid, status(uid)?))) else {
            self.note_unknown(attempt);
            return None;
        };
        let succeeded = status == "succeeded";
        // The outcome of a creation or a deletion tells whether the index existed before.
        let (was_there, is_there) = match &attempt.write {
            Write::CreateIndex => (Some(!succeeded), true),
            Write::DeleteIndex => (Some(succeeded), false),
            _ => (None, true),
        };
        let contradicts = match was_there {
            Some(true) => !self.may_exist,
            Some(false) => !self.may_lack,
            None => !succeeded,
        };
        let contradiction =
            contradicts.then(|| format!("{attempt:?} is {status}, which cannot be after {self:?}"));
        if was_there.is_some() && !(was_there == Some(true) && is_there) {
            self.certain.clear();
            self.possible.clear();
            self.first_task = uid;
        }
        (self.may_exist, self.may_lack) = (is_there, !is_there);
        self.certain.extend(ids(attempt).map(|id| (id, uid)));
        self.possible.extend(ids(attempt));
        contradiction
    }

    /// Notes an attempt with an unknown outcome.
    fn note_unknown(&mut self, attempt: &Attempt) {
        if attempt.write == Write::DeleteIndex {
            self.may_lack = true;
            self.certain.clear();
        } else {
            self.may_exist = true;
            self.possible.extend(ids(attempt));
        }
    }
}

fn ids(attempt: &Attempt) -> impl Iterator<Item = String> {
    attempt.write.ids().into_iter().map(str::to_owned)
}

async fn look(case: &Case, index: &str, belief: &Belief, wrong: &mut Vec<String>) {
    let physical = case.client.physical_uid(index).await.unwrap();
    let exists = physical.is_some();
    if !(if exists { belief.may_exist } else { belief.may_lack }) {
        wrong.push(format!("{index} exists: {exists}, which cannot be after {belief:?}"));
    }
    let Some(shown) = ids_in(&case.client, index, wrong).await else { return };
    let returned: Vec<_> = shown.difference(&belief.possible).collect();
    if !returned.is_empty() {
        wrong.push(format!("Miroir shows documents of {index} that were deleted: {returned:?}"));
    }
    for (node, client) in &case.nodes {
        let there = indexes_of_name(client, index).await;
        if there != Vec::from_iter(physical.clone()) {
            wrong.push(format!("{index} is {physical:?}, but {node} has {there:?}"));
        }
        let Some(physical) = &physical else { continue };
        let Some(documents) = ids_in(client, physical, wrong).await else { continue };
        let returned: Vec<_> = documents.difference(&belief.possible).collect();
        if !returned.is_empty() {
            wrong.push(format!("{node} has documents of {index} that were deleted: {returned:?}"));
        }
        for (id, uid) in belief.certain.iter().filter(|_| exists) {
            let took_it =
                parts(&case.evidence.tasks[uid]).any(|part| part.node == node && !part.shards.is_empty());
            if took_it && !documents.contains(id) {
                wrong.push(format!("{node} lost {id} of {index}, which it accepted as part of task {uid}"));
            }
            // A replica that missed no write repairs the others.
            if took_it && missed_nothing(case, index, belief, node) && !shown.contains(id) {
                wrong.push(format!("Miroir lost {id} of {index}, which it acknowledged as task {uid}"));
            }
        }
    }
}

/// Returns the indexes on a node that have or had the name `name`.
async fn indexes_of_name(node: &Client, name: &str) -> Vec<String> {
    let listed = node.get("/indexes?limit=1000").await.unwrap().expect(200).unwrap();
    let uids = listed["results"].as_array().unwrap().iter().map(|index| index["uid"].as_str().unwrap());
    let of_name = |uid: &&str| uid.parse::<PhysicalUid>().is_ok_and(|uid| uid.name().as_str() == name);
    uids.filter(of_name).map(str::to_owned).collect()
}

fn missed_nothing(case: &Case, index: &str, belief: &Belief, node: &str) -> bool {
    let of_index =
        case.evidence.tasks.range(belief.first_task..).filter(|(_, task)| task["indexUid"] == index);
    of_index.into_iter().all(|(_, task)| task["nodeErrors"].get(node).is_none())
}

async fn ids_in(client: &Client, index: &str, wrong: &mut Vec<String>) -> Option<BTreeSet<String>> {
    match listed(client, index).await {
        Ok(documents) => Some(documents.into_keys().collect()),
        Err(refusal) => {
            wrong.push(refusal);
            None
        }
    }
}
