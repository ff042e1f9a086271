//! The OpenAPI document: every route, what it takes, and all it can answer.
//!
//! What is said of shapes is written by hand in `openapi/*.json`, one file per subject; what the code already knows
//! (settings, types of tasks, error codes and their statuses, routes without support) is taken from it. [`operations`] has one
//! room per room of [`crate::routes`], and tests hold the two together both ways.
//!
//! A new route: an operation in its room, schemas in its file, and `make fix`, which writes `docs/openapi.json` anew.

mod component;
mod operation;
mod operations;
mod refusal;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

/// The whole document.
pub fn document() -> Value {
    let mut paths = Map::new();
    for operation in operations::all() {
        let path = paths.entry(operation.template().to_owned()).or_insert_with(|| json!({}));
        path[operation.method().to_lowercase()] = operation.to_json();
    }
    let mut info = component::info();
    info["version"] = env!("CARGO_PKG_VERSION").into();
    json!({
        "openapi": "3.1.0",
        "info": info,
        "servers": [{ "url": "/" }],
        "tags": operations::tags(),
        "paths": paths,
        "components": component::all(),
    })
}

/// The same as text, as `docs/openapi.json` has it.
pub fn document_text() -> String {
    // The alternate form of a JSON value is indented, and ends without a line break.
    format!("{:#}\n", document())
}
