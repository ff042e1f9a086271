//! The operations, room by room as in [`crate::routes`].

mod alias;
mod canary;
mod change;
mod cluster;
mod document;
mod index;
mod instance;
mod job;
mod search;
mod settings;
mod task;
mod unsupported;

use serde_json::{Value, json};

use super::operation::Operation;

/// Every operation there is.
pub(super) fn all() -> Vec<Operation> {
    let rooms = [
        cluster::operations(),
        instance::operations(),
        index::operations(),
        document::operations(),
        settings::operations(),
        search::operations(),
        task::operations(),
        alias::operations(),
        canary::operations(),
        change::operations(),
        job::operations(),
        unsupported::operations(),
    ];
    rooms.into_iter().flatten().collect()
}

/// What the operations are about.
pub(super) fn tags() -> Value {
    let tag = |name: &str, description: &str| json!({ "name": name, "description": description });
    json!([
        tag("cluster", "Whether Miroir is there, ready, and what it is made of."),
        tag("indexes", "Indexes, and how large they are."),
        tag("documents", "Documents, written, read and deleted."),
        tag("settings", "Settings, whole and one by one."),
        tag("search", "Searches."),
        tag("tasks", "What became of writes."),
        tag("aliases", "Names that stand for indexes."),
        tag("canaries", "Stored searches with assertions, run on a schedule."),
        tag("changes", "What writes changed, and who is told."),
        tag("instances", "The instances that work side by side on one store."),
        tag("jobs", "Long work in pieces."),
        tag("unsupported", "What a Meilisearch server does and a cluster does not do yet."),
    ])
}
