//! Check of settings: every node has those that were written last, and Miroir returns the same.

use miroir_e2e::Client;
use serde_json::{Value, json};

use super::case::Case;
use super::ledger::{Attempt, Write};
use super::outcome::{Outcome, possible};
use super::writer::LASTING;

/// Compares the settings of nodes and Miroir with the tasks.
pub async fn check(case: &Case) -> Vec<String> {
    let mut wrong = Vec::new();
    let shown = settings_of(&case.client).await;
    for (key, empty) in [("stopWords", json!([])), ("synonyms", json!({}))] {
        let writes = writes_to(case, key);
        let allowed = possible(&writes, &empty, |_, (_, value)| value.clone());
        for (node, client) in &case.nodes {
            let found = &settings_of(client).await[key];
            if !allowed.contains(found) {
                let last: Vec<_> = writes.iter().rev().take(5).collect();
                wrong.push(format!("{node} has {key} {found}, not one of {allowed:?}; {last:?}"));
            } else if *found != shown[key] {
                wrong.push(format!("{node} has {key} {found}, but Miroir shows {}", shown[key]));
            }
        }
    }
    wrong
}

async fn settings_of(client: &Client) -> Value {
    let path = format!("/indexes/{}/settings", LASTING[0]);
    client.get(&path).await.unwrap().expect(200).unwrap()
}

/// Returns the changes of one setting that became tasks, in order, with their outcomes.
fn writes_to<'a>(case: &'a Case, key: &str) -> Vec<((&'a Attempt, Value), Outcome)> {
    let of_key = case.attempts.iter().filter(|attempt| {
        matches!((&attempt.write, key), (Write::StopWords(_), "stopWords") | (Write::Synonyms(_), "synonyms"))
    });
    of_key
        .filter_map(|attempt| {
            let details = attempt.write.settings()?;
            let task = case.evidence.tasks.values().find(|task| task["details"] == details)?;
            let outcome = Outcome::of(task, |part| case.evidence.has_executed(part));
            Some(((attempt, details[key].clone()), outcome))
        })
        .collect()
}
