//! Brings a node settings that no single node has: every node missed one change or another.
//!
//! The tasks say what each change was. Made again in their order, from the first that the node may lack, they leave it
//! with the settings of a node that missed none.

use std::collections::BTreeSet;

use miroir_domain::index::IndexEntry;
use miroir_domain::settings::{
    Setting, SettingsAction, SettingsChange, UpdateMethod, as_change, initial_for_nodes,
};
use miroir_domain::task::{Task, TaskKind, TaskQuery};
use miroir_domain::write::WriteOperation;
use miroir_domain::{IndexUid, NodeId};
use miroir_ports::outbound::StoreError;
use serde_json::{Map, Value};

use super::MendError;
use super::settings::read_settings;
use super::wait::{carried_out, caught_up};
use crate::cluster::Cluster;

/// Rows read at once.
const PAGE: u32 = 1_000;

/// Makes `node` have the index with all changes that any node took.
pub async fn replay(cluster: &Cluster, entry: &IndexEntry, node: &NodeId) -> Result<(), MendError> {
    let found = match read_settings(cluster, &entry.uid, node).await? {
        Some(_) => {
            caught_up(cluster, &entry.uid, node).await?;
            read_settings(cluster, &entry.uid, node).await?
        }
        None => None,
    };
    let mut operations = Vec::new();
    if found.is_none() {
        if let Some(other) = other_with_index(cluster, &entry.uid, node).await? {
            return Err(MendError::NotNow(format!("node `{other}` has the index and goes first")));
        }
        operations.push(WriteOperation::IndexCreate { primary_key: entry.primary_key.clone() });
    }
    // Whatever else it has, it must have the shard filter.
    let base = found.map_or_else(initial_for_nodes, as_change);
    let folded = fold(base, changes(cluster, entry, node).await?);
    operations.extend(folded.into_iter().map(WriteOperation::Settings));
    carried_out(cluster, &entry.uid, node, operations).await
}

async fn other_with_index(
    cluster: &Cluster,
    index: &IndexUid,
    node: &NodeId,
) -> Result<Option<NodeId>, MendError> {
    for other in cluster.topology.nodes().filter(|other| *other != node) {
        if read_settings(cluster, index, other).await?.is_some() {
            return Ok(Some(other.clone()));
        }
    }
    Ok(None)
}

/// The changes above the version the node is known to have, oldest first, as far as any node took them.
async fn changes(
    cluster: &Cluster,
    entry: &IndexEntry,
    node: &NodeId,
) -> Result<Vec<SettingsChange>, StoreError> {
    let known = cluster.store.node_settings_get(&entry.uid, node).await?.map_or(0, |row| row.version);
    let mut query = TaskQuery {
        index_uids: Some(BTreeSet::from([entry.uid.clone()])),
        kinds: Some(BTreeSet::from([TaskKind::SettingsUpdate])),
        reverse: true,
        limit: PAGE,
        ..TaskQuery::default()
    };
    let mut changes = Vec::new();
    loop {
        let page = cluster.store.task_list(&query).await?;
        let later = page.tasks.iter().filter(|task| {
            // An index of the same name may have been there before.
            task.created_at >= entry.created_at && version_of(task).is_some_and(|version| version > known)
        });
        changes.extend(later.filter_map(change_of));
        if page.next.is_none() {
            return Ok(changes);
        }
        query.from = page.next;
    }
}

/// The settings version a task brings; none when no node took it.
fn version_of(task: &Task) -> Option<u64> {
    task.node_tasks.values().filter_map(|part| part.settings_version).max()
}

/// The change as the task's details tell it. They never hold the API keys of embedders, so embedders, which cannot be
/// set right without them, are left as the node has them.
fn change_of(task: &Task) -> Option<SettingsChange> {
    let mut details = task.details.clone()?;
    details.remove(Setting::Embedders.key());
    if details.is_empty() {
        return None;
    }
    let change = SettingsChange { setting: None, action: SettingsAction::Update(Value::Object(details)) };
    Some(change.for_nodes())
}

/// The same settings in as few requests as can be, since a node may index all its documents again for each.
fn fold(base: SettingsChange, changes: Vec<SettingsChange>) -> Vec<SettingsChange> {
    let mut folded = vec![base];
    for change in changes {
        let fits = folded.last_mut().is_some_and(|last| put_over(last, &change));
        if !fits {
            folded.push(change);
        }
    }
    folded
}

/// Makes `base` one request that does what it does and then `change`; false when that takes two.
fn put_over(base: &mut SettingsChange, change: &SettingsChange) -> bool {
    let (SettingsAction::Update(Value::Object(base)), SettingsAction::Update(Value::Object(change))) =
        (&mut base.action, &change.action)
    else {
        return false;
    };
    let is_partial = |key: &str| {
        let setting = Setting::ALL.iter().find(|setting| setting.key() == key);
        setting.is_none_or(|setting| setting.update_method() == UpdateMethod::Patch)
    };
    // A part of an object that was reset before cannot be said together with the reset.
    if change
        .iter()
        .any(|(key, value)| value.is_object() && is_partial(key) && base.get(key) == Some(&Value::Null))
    {
        return false;
    }
    for (key, value) in change {
        match (base.get_mut(key), value) {
            (Some(Value::Object(known)), Value::Object(part)) if is_partial(key) => merge(known, part),
            _ => drop(base.insert(key.clone(), value.clone())),
        }
    }
    true
}

/// Puts the fields of `part` over those of `known`, objects field by field.
fn merge(known: &mut Map<String, Value>, part: &Map<String, Value>) {
    for (key, value) in part {
        match (known.get_mut(key), value) {
            (Some(Value::Object(known)), Value::Object(part)) => merge(known, part),
            _ => drop(known.insert(key.clone(), value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn folded(changes: &[Value]) -> Vec<Value> {
        let change =
            |value: &Value| SettingsChange { setting: None, action: SettingsAction::Update(value.clone()) };
        let (base, rest) = changes.split_first().unwrap();
        let values = fold(change(base), rest.iter().map(change).collect()).into_iter().map(|change| {
            let SettingsAction::Update(value) = change.action else { panic!("not an update") };
            value
        });
        values.collect()
    }

    #[test]
    fn fold_lets_the_last_change_of_a_setting_win() {
        let changes = [
            json!({ "stopWords": ["a"], "synonyms": { "x": ["y"] } }),
            json!({ "stopWords": ["b"] }),
            json!({ "synonyms": { "z": ["y"] }, "rankingRules": null }),
        ];
        let one = json!({ "stopWords": ["b"], "synonyms": { "z": ["y"] }, "rankingRules": null });
        assert_eq!(folded(&changes), [one]);
    }

    #[test]
    fn fold_merges_settings_that_are_changed_in_parts() {
        let changes = [
            json!({ "typoTolerance": { "enabled": true, "minWordSizeForTypos": { "oneTypo": 5, "twoTypos": 9 } } }),
            json!({ "typoTolerance": { "minWordSizeForTypos": { "oneTypo": 4 } } }),
        ];
        let one = json!({ "typoTolerance": { "enabled": true, "minWordSizeForTypos": { "oneTypo": 4, "twoTypos": 9 } } });
        assert_eq!(folded(&changes), [one]);
    }

    #[test]
    fn fold_keeps_a_reset_and_a_part_set_after_it_apart() {
        let changes = [
            json!({ "pagination": { "maxTotalHits": 5 } }),
            json!({ "pagination": null }),
            json!({ "pagination": { "maxTotalHits": 6 } }),
        ];
        assert_eq!(folded(&changes), [changes[1].clone(), changes[2].clone()]);
    }
}
