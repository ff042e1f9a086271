//! The OpenAPI document: every route, its requests and all its responses.
//!
//! Operations are made from the declarations in `src/routes/`. Schemas and parameters are written by hand in
//! `openapi/*.json`, one file per subject. Parts that the code knows are taken from it: the list of settings,
//! the types of tasks, the error codes.

mod component;
mod operation;
mod refusal;

use serde_json::{Map, Value, json};

use crate::route::Route;
use crate::tag::Tag;

/// Returns the document of `routes`.
pub(crate) fn document(routes: &[Route]) -> Value {
    let mut paths = Map::new();
    for route in routes {
        let path = paths.entry(route.template.clone()).or_insert_with(|| json!({}));
        path[route.method.as_str().to_lowercase()] = operation::operation(route);
    }
    let mut info = component::info();
    info["version"] = env!("CARGO_PKG_VERSION").into();
    let tags = Tag::ALL.map(|tag| json!({ "name": tag.name(), "description": tag.description() }));
    json!({
        "openapi": "3.1.0",
        "info": info,
        "servers": [{ "url": "/" }],
        "tags": tags,
        "paths": paths,
        "components": component::all(),
    })
}
