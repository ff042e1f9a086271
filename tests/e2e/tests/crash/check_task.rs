//! Check of tasks: every acknowledged task exists, every task has ended, and each agrees with its node tasks.

use std::collections::{BTreeMap, BTreeSet};

use miroir_domain::{PhysicalUid, Timestamp};
use serde_json::Value;

use super::case::Case;
use super::evidence::{NodePart, parts};
use super::ledger::Attempt;
use super::writer::LASTING;

/// Errors of a write to an index that is created and deleted, which also occur on a single server.
const PASSING_FAILURES: [&str; 2] = ["index_already_exists", "index_not_found"];
/// Errors of a write that was not acknowledged.
const NO_QUORUM: &str = "miroir_no_quorum";

/// Compares the ledger, the tasks of Miroir and the tasks of the nodes.
pub fn check(case: &Case) -> Vec<String> {
    let mut wrong = Vec::new();
    acknowledged(case, &mut wrong);
    growing(case, &mut wrong);
    for task in case.evidence.tasks.values() {
        ended(task, &mut wrong);
        agrees_with_nodes(case, task, &mut wrong);
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
            wrong.push(format!("{attempt:?} got a task of another attempt: {task}"));
        }
        let code = task["error"]["code"].as_str().unwrap_or_default();
        let may_fail = !LASTING.contains(&attempt.index.as_str()) && PASSING_FAILURES.contains(&code);
        if task["status"] != "succeeded" && !may_fail {
            wrong.push(format!("acknowledged {attempt:?} did not succeed: {task}"));
        }
    }
}

/// Checks that uids are unique, and grow for each writer and from one life of Miroir to the next.
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
        let highest = highest_answered.entry(attempt.responded_in).or_default();
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
        wrong.push(format!("an unfinished or untrue end: {task}"));
    }
    for part in parts(task) {
        if part.uid.is_none() {
            wrong.push(format!("{} stays pending in {task}", part.node));
        }
    }
}

/// Returns the type of a task on a node. The first documents of an index come with its settings, and a node
/// without any of these documents gets the settings alone.
fn kind_on_node<'a>(task: &'a Value, part: &NodePart) -> &'a str {
    match task["type"].as_str().unwrap_or_default() {
        "indexCreation" => "settingsUpdate",
        "documentAdditionOrUpdate" if part.shards.is_empty() => "settingsUpdate",
        same => same,
    }
}

/// Returns the name of the index of a task on a node, where it may have another uid.
fn name_on_node(node_task: &Value) -> String {
    let physical: PhysicalUid = node_task["indexUid"].as_str().unwrap().parse().unwrap();
    physical.name().to_string()
}

fn agrees_with_nodes(case: &Case, task: &Value, wrong: &mut Vec<String>) {
    // A task without quorum has failed while its nodes may still have been working.
    let is_followed = task["error"]["code"] != NO_QUORUM;
    for part in parts(task) {
        let (Some(uid), node) = (part.uid, part.node) else { continue };
        let Some(node_task) = case.evidence.node_tasks[node].get(&uid) else {
            wrong.push(format!("{node} has no task {uid} of {task}"));
            continue;
        };
        let mut differs =
            node_task["type"] != *kind_on_node(task, &part) || name_on_node(node_task) != task["indexUid"];
        differs |= is_followed && node_task["status"] != *part.status;
        if let Some(marker) = node_task["customMetadata"].as_str() {
            differs |= marker != format!("miroir:{}", task["uid"]);
        }
        // All processes use the clock of one machine.
        differs |= instant(&node_task["enqueuedAt"]) < instant(&task["enqueuedAt"]);
        if let Some(attempt) = settings_attempt(case, task) {
            differs |= Some(&node_task["details"]) != attempt.write.settings().as_ref();
        }
        if differs {
            wrong.push(format!("{node_task} of {node} disagrees with {task}"));
        }
    }
}

fn instant(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

/// Returns the settings change of a task, identified by its value even if the response was lost.
fn settings_attempt<'a>(case: &'a Case, task: &Value) -> Option<&'a Attempt> {
    if task["type"] != "settingsUpdate" {
        return None;
    }
    case.attempts.iter().find(|attempt| attempt.write.settings().as_ref() == Some(&task["details"]))
}

/// Checks that every write of Miroir that a node accepted belongs to exactly one task.
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
        for (node_uid, node_task) in tasks {
            let claim = claims.get(&(node.as_str(), *node_uid));
            let marker =
                node_task["customMetadata"].as_str().and_then(|marker| marker.strip_prefix("miroir:"));
            if let Some(marker) = marker
                && !is_marker_task(case, marker, node_task)
                && claim.map(u64::to_string).as_deref() != Some(marker)
            {
                wrong.push(format!("{node} accepted {node_task}, claimed by {claim:?}"));
            }
            if node_task["type"] == "settingsUpdate" && changes.contains(&node_task["details"]) {
                if !settings_seen.insert(node_task["details"].to_string()) {
                    wrong.push(format!("{node} accepted one settings change twice: {node_task}"));
                }
                if claim.is_none() {
                    wrong.push(format!("{node} accepted {node_task}, which no task claims"));
                }
            }
        }
    }
}

/// Returns whether the node task is a marker task, which carries the marker of a write that cannot carry one
/// itself.
fn is_marker_task(case: &Case, marker: &str, node_task: &Value) -> bool {
    let task = marker.parse().ok().and_then(|uid: u64| case.evidence.tasks.get(&uid));
    node_task["type"] == "documentDeletion" && task.is_some_and(|task| task["type"] != "documentDeletion")
}
