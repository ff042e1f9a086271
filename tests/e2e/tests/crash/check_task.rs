//! Every acknowledged task is there, every task has ended, and each says what its nodes say.

use std::collections::{BTreeMap, BTreeSet};

use miroir_domain::Timestamp;
use serde_json::Value;

use super::Case;
use super::evidence::{NodePart, parts};
use super::ledger::Attempt;
use super::writer::LASTING;

/// How a write to an index that comes and goes may fail, as it may on a single server.
const PASSING_FAILURES: [&str; 2] = ["index_already_exists", "index_not_found"];
/// How a write that was not acknowledged may fail.
const NO_QUORUM: &str = "miroir_no_quorum";

/// Compares the ledger, Miroir's tasks and the nodes' tasks.
pub fn check(case: &Case) -> Vec<String> {
    let mut wrong = Vec::new();
    acknowledged(case, &mut wrong);
    growing(case, &mut wrong);
    for task in case.evidence.tasks.values() {
        ended(task, &mut wrong);
        told_by_its_nodes(case, task, &mut wrong);
    }
    known_to_miroir(case, &mut wrong);
    wrong
}

fn acknowledged(case: &Case, wrong: &mut Vec<String>) {
    for attempt in &case.attempts {
        let Some(uid) = attempt.uid else { continue };
        let Some(task) = case.evidence.tasks.get(&uid) else {
            wrong.push(format!("task {uid} of {attempt:?} is lost"));
            continue;
        };
        if task["type"] != attempt.write.kind() || task["indexUid"] != *attempt.index {
            wrong.push(format!("{attempt:?} became {task}"));
        }
        if attempt.write.takes_metadata() && task["customMetadata"] != *attempt.metadata() {
            wrong.push(format!("{attempt:?} got the task of another: {task}"));
        }
        let code = task["error"]["code"].as_str().unwrap_or_default();
        let may_fail = !LASTING.contains(&attempt.index.as_str()) && PASSING_FAILURES.contains(&code);
        if task["status"] != "succeeded" && !may_fail {
            wrong.push(format!("acknowledged {attempt:?} did not succeed: {task}"));
        }
    }
}

/// Uids are unique, grow for each writer, and grow from one life of Miroir to the next.
fn growing(case: &Case, wrong: &mut Vec<String>) {
    let mut seen = BTreeMap::new();
    let mut last_of: BTreeMap<&str, u64> = BTreeMap::new();
    let mut highest_answered: BTreeMap<u32, u64> = BTreeMap::new();
    let acknowledged = || case.attempts.iter().filter_map(|attempt| Some((attempt, attempt.uid?)));
    for (attempt, uid) in acknowledged() {
        if let Some(other) = seen.insert(uid, attempt) {
            wrong.push(format!("{other:?} and {attempt:?} have one uid"));
        }
        if let Some(before) = last_of.insert(&attempt.writer, uid)
            && before >= uid
        {
            wrong.push(format!("{attempt:?} came after task {before}"));
        }
        let highest = highest_answered.entry(attempt.answered_in).or_default();
        *highest = uid.max(*highest);
    }
    for (attempt, uid) in acknowledged() {
        let earlier = highest_answered.range(..attempt.begun_in).map(|(_, highest)| *highest).max();
        if earlier.is_some_and(|earlier| earlier >= uid) {
            wrong.push(format!("{attempt:?} has no higher uid than {earlier:?} of an earlier life"));
        }
    }
}

fn ended(task: &Value, wrong: &mut Vec<String>) {
    let (status, code) = (task["status"].as_str(), task["error"]["code"].as_str());
    let expected = match status {
        Some("succeeded") => code.is_none(),
        Some("failed") => code.is_some_and(|code| code == NO_QUORUM || PASSING_FAILURES.contains(&code)),
        _ => false,
    };
    if !expected {
        wrong.push(format!("no true end: {task}"));
    }
    for part in parts(task) {
        if part.uid.is_none() {
            wrong.push(format!("{} is pending for ever in {task}", part.node));
        }
    }
}

/// What a task is on a node. The first documents of an index come with its settings, and a node that keeps none of
/// them gets these alone.
fn kind_on_node<'a>(task: &'a Value, part: &NodePart) -> &'a str {
    match task["type"].as_str().unwrap_or_default() {
        "indexCreation" => "settingsUpdate",
        "documentAdditionOrUpdate" if part.shards.is_empty() => "settingsUpdate",
        same => same,
    }
}

fn told_by_its_nodes(case: &Case, task: &Value, wrong: &mut Vec<String>) {
    // A task without quorum has failed while its nodes may still have been at work.
    let is_followed = task["error"]["code"] != NO_QUORUM;
    for part in parts(task) {
        let (Some(uid), node) = (part.uid, part.node) else { continue };
        let Some(told) = case.evidence.node_tasks[node].get(&uid) else {
            wrong.push(format!("{node} does not know its task {uid} of {task}"));
            continue;
        };
        let mut differs = told["type"] != *kind_on_node(task, &part) || told["indexUid"] != task["indexUid"];
        differs |= is_followed && told["status"] != *part.status;
        if let Some(mark) = told["customMetadata"].as_str() {
            differs |= mark != format!("miroir:{}", task["uid"]);
        }
        // All run on one machine, with one clock.
        differs |= instant(&told["enqueuedAt"]) < instant(&task["enqueuedAt"]);
        if let Some(attempt) = settings_attempt(case, task) {
            differs |= Some(&told["details"]) != attempt.write.settings().as_ref();
        }
        if differs {
            wrong.push(format!("{node} tells of {told} what is not said in {task}"));
        }
    }
}

fn instant(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

/// The settings change behind a task, known by its value even when the answer was lost.
fn settings_attempt<'a>(case: &'a Case, task: &Value) -> Option<&'a Attempt> {
    if task["type"] != "settingsUpdate" {
        return None;
    }
    case.attempts.iter().find(|attempt| attempt.write.settings().as_ref() == Some(&task["details"]))
}

/// Whatever a node accepted of Miroir's writes is in Miroir's tasks, once.
fn known_to_miroir(case: &Case, wrong: &mut Vec<String>) {
    let mut claims: BTreeMap<(&str, u64), u64> = BTreeMap::new();
    for (uid, task) in &case.evidence.tasks {
        for part in parts(task) {
            let Some(node_uid) = part.uid else { continue };
            if let Some(other) = claims.insert((part.node, node_uid), *uid) {
                wrong.push(format!("tasks {other} and {uid} both claim task {node_uid} of {}", part.node));
            }
        }
    }
    let changes: Vec<Value> = case.attempts.iter().filter_map(|attempt| attempt.write.settings()).collect();
    for (node, tasks) in &case.evidence.node_tasks {
        let mut settings_seen = BTreeSet::new();
        for (node_uid, told) in tasks {
            let claim = claims.get(&(node.as_str(), *node_uid));
            let mark = told["customMetadata"].as_str().and_then(|mark| mark.strip_prefix("miroir:"));
            if let Some(mark) = mark
                && !is_forerunner(case, mark, told)
                && claim.map(u64::to_string).as_deref() != Some(mark)
            {
                wrong.push(format!("{node} accepted {told}, claimed by {claim:?}"));
            }
            if told["type"] == "settingsUpdate" && changes.contains(&told["details"]) {
                if !settings_seen.insert(told["details"].to_string()) {
                    wrong.push(format!("{node} accepted one settings change twice: {told}"));
                }
                if claim.is_none() {
                    wrong.push(format!("{node} accepted {told}, which no task claims"));
                }
            }
        }
    }
}

/// Whether a node task only carries the mark of a write that can carry none itself.
fn is_forerunner(case: &Case, mark: &str, told: &Value) -> bool {
    let task = mark.parse().ok().and_then(|uid: u64| case.evidence.tasks.get(&uid));
    told["type"] == "documentDeletion" && task.is_some_and(|task| task["type"] != "documentDeletion")
}
