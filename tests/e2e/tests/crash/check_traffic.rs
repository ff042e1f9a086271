//! Check of traffic: no node got the same write twice.

use std::collections::BTreeMap;

use super::case::Case;
use super::rounds::Tally;

/// Counts the writes in the requests that simulated nodes remember, and in the tasks they accepted.
pub fn check(case: &Case, tally: &Tally) -> Vec<String> {
    let mut wrong: Vec<String> = tally
        .sent
        .iter()
        .filter(|(_, times)| **times > 1)
        .map(|((node, marker), times)| format!("{node} got {marker} {times} times"))
        .collect();
    for (node, tasks) in &case.evidence.node_tasks {
        let mut accepted: BTreeMap<&str, u32> = BTreeMap::new();
        for marker in tasks.values().filter_map(|task| task["customMetadata"].as_str()) {
            *accepted.entry(marker).or_default() += 1;
        }
        let twice = accepted.iter().filter(|(_, times)| **times > 1);
        wrong.extend(twice.map(|(marker, times)| format!("{node} accepted {marker} {times} times")));
    }
    wrong
}
