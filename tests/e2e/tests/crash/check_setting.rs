//! Check of settings: every node has those it accepted last, or those of a repair.

use std::collections::BTreeMap;

use serde_json::Value;

use super::case::Case;
use super::evidence::parts;
use super::ledger::{Attempt, Write};
use super::outcome::{Outcome, possible};
use super::writer::LASTING;

/// Compares the settings of nodes and Miroir with the tasks.
pub async fn check(case: &Case) -> Vec<String> {
    let index = LASTING[0];
    let mut wrong = Vec::new();
    let mut allowed_anywhere: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for (node, client) in &case.nodes {
        let settings = client.get(&format!("/indexes/{index}/settings")).await.unwrap().expect(200).unwrap();
        for key in ["stopWords", "synonyms"] {
            let writes = writes_to(case, node, key);
            let empty = if key == "stopWords" { serde_json::json!([]) } else { serde_json::json!({}) };
            let mut allowed = possible(&writes, &empty, |_, (_, value)| value.clone());
            // Settings are on every node, and a repair brings them to nodes that missed them.
            allowed.drain(..allowed.len() - 1);
            if !allowed.contains(&settings[key]) {
                let last: Vec<_> = writes.iter().rev().take(5).collect();
                wrong.push(format!("{node} has {key} {}, not one of {allowed:?}; {last:?}", settings[key]));
            }
            allowed_anywhere.entry(key).or_default().extend(allowed);
        }
    }
    let settings = case.client.get(&format!("/indexes/{index}/settings")).await.unwrap();
    let settings = settings.expect(200).unwrap();
    for (key, allowed) in allowed_anywhere {
        if !allowed.contains(&settings[key]) {
            wrong.push(format!("Miroir shows {key} {}, not one of {allowed:?}", settings[key]));
        }
    }
    wrong
}

/// Returns the changes of one setting that became tasks, in order, with their outcomes on a node.
fn writes_to<'a>(case: &'a Case, node: &str, key: &str) -> Vec<((&'a Attempt, Value), Outcome)> {
    let of_key = case.attempts.iter().filter(|attempt| {
        matches!((&attempt.write, key), (Write::StopWords(_), "stopWords") | (Write::Synonyms(_), "synonyms"))
    });
    of_key
        .filter_map(|attempt| {
            let details = attempt.write.settings()?;
            let task = case.evidence.tasks.values().find(|task| task["details"] == details)?;
            let done = |part: &super::evidence::NodePart| {
                let node_task = part.uid.and_then(|uid| case.evidence.node_tasks[part.node].get(&uid));
                node_task.is_some_and(|node_task| node_task["status"] == "succeeded")
            };
            let outcome = Outcome {
                here: parts(task).any(|part| part.node == node && done(&part)),
                anywhere: parts(task).any(|part| done(&part)),
            };
            Some(((attempt, details[key].clone()), outcome))
        })
        .collect()
}
