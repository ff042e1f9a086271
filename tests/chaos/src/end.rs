//! Every node compared with the model and the other nodes, once everything is in sync.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use miroir_e2e::Client;
use miroir_test_simulation::INDEXES;
use miroir_test_simulation::check::{read, settings_version};
use miroir_test_simulation::model::{Register, all_documents};
use serde_json::Value;

use crate::processes::Processes;
use crate::state::State;

/// Compares all nodes.
pub async fn compare(state: &State, processes: &mut Processes) -> Result<()> {
    let copies = processes.layout.copies();
    let mut nodes = Vec::new();
    for place in processes.layout.places.clone() {
        let node = processes.cluster.node(place.server);
        nodes.push((node.id().to_owned(), Client::new(node.url(), None)?));
    }
    for index in 0..INDEXES.len() {
        compare_index(state, &nodes, copies, index).await?;
    }
    Ok(())
}

async fn compare_index(
    state: &State,
    nodes: &[(String, Client)],
    copies_each: usize,
    index: usize,
) -> Result<()> {
    let name = INDEXES[index];
    let window = state.model.lock().last_window();
    let mut copies: BTreeMap<u64, Vec<(&str, Value)>> = BTreeMap::new();
    for (id, node) in nodes {
        let listed = node.get(&format!("/indexes/{name}/documents?limit=1000")).await?.expect(200)?;
        for document in listed["results"].as_array().into_iter().flatten() {
            let number = document["id"].as_u64().context("a document without its id")?;
            copies.entry(number).or_default().push((id, document.clone()));
        }
        let stop_words = node.get(&format!("/indexes/{name}/settings/stop-words")).await?.expect(200)?;
        let version = settings_version(&stop_words);
        if !state.model.lock().may_be(index, Register::Settings, version, window) {
            state.violate(format!("at the end, {id} has settings {version} of {name}"));
        }
    }
    for id in all_documents() {
        let found = copies.get(&id).map(Vec::as_slice).unwrap_or_default();
        if !found.is_empty() && found.len() != copies_each {
            state.violate(format!(
                "at the end, document {id} of {name} has {} copies: {found:?}",
                found.len()
            ));
        }
        if found.iter().any(|(_, document)| found.iter().any(|(_, other)| other != document)) {
            state.violate(format!("at the end, the copies of document {id} of {name} differ: {found:?}"));
        }
        let first = found.first().and_then(|(_, document)| read([document]).ok()?.get(&id).copied());
        if let Some(wrong) = state.model.lock().wrong(index, id, first, window) {
            state.violate(format!("at the end: {wrong}"));
        }
    }
    Ok(())
}
