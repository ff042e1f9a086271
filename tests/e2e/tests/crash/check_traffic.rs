//! No node got the same write twice.

use std::collections::BTreeMap;

use super::Case;
use super::rounds::Tally;

/// Counts by what nodes were sent, where they remember it, and by what they accepted.
pub fn check(case: &Case, tally: &Tally) -> Vec<String> {
    let mut wrong: Vec<String> = tally
        .sent
        .iter()
        .filter(|(_, times)| **times > 1)
        .map(|((node, mark), times)| format!("{node} was sent {mark} {times} times"))
        .collect();
    for (node, tasks) in &case.evidence.node_tasks {
        let mut accepted: BTreeMap<&str, u32> = BTreeMap::new();
        for mark in tasks.values().filter_map(|task| task["customMetadata"].as_str()) {
            *accepted.entry(mark).or_default() += 1;
        }
        let twice = accepted.iter().filter(|(_, times)| **times > 1);
        wrong.extend(twice.map(|(mark, times)| format!("{node} accepted {mark} {times} times")));
    }
    wrong
}
