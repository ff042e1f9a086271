//! Routes of Meilisearch 1.50 that are not supported for a cluster yet. Each refuses requests with its name.

use http::Method;
use miroir_domain::error::ErrorCode;

use crate::error::Failure;
use crate::route::Route;

/// Paths, each with the methods that a Meilisearch server supports.
const UNSUPPORTED: &[(&str, &[&str])] = &[
    ("/chats", &["GET"]),
    ("/chats/{workspace_uid}", &["GET", "DELETE"]),
    ("/chats/{workspace_uid}/settings", &["GET", "PATCH", "DELETE"]),
    ("/chats/{workspace_uid}/chat/completions", &["POST"]),
    ("/tasks", &["DELETE"]),
    ("/tasks/cancel", &["POST"]),
    ("/tasks/compact", &["POST"]),
    ("/tasks/{task_uid}/documents", &["GET"]),
    ("/batches", &["GET"]),
    ("/batches/{batch_uid}", &["GET"]),
    ("/indexes/{index_uid}", &["PATCH"]),
    ("/indexes/{index_uid}/documents/edit", &["POST"]),
    ("/indexes/{index_uid}/facet-search", &["POST"]),
    ("/indexes/{index_uid}/similar", &["GET", "POST"]),
    ("/indexes/{index_uid}/compact", &["POST"]),
    ("/indexes/{index_uid}/fields", &["POST"]),
    ("/snapshots", &["POST"]),
    ("/dumps", &["POST"]),
    ("/keys", &["GET", "POST"]),
    ("/keys/{key}", &["GET", "PATCH", "DELETE"]),
    ("/metrics", &["GET"]),
    ("/logs/stream", &["POST", "DELETE"]),
    ("/logs/stderr", &["POST"]),
    ("/swap-indexes", &["POST"]),
    ("/experimental-features", &["GET", "PATCH"]),
    ("/export", &["POST"]),
    ("/network", &["GET", "PATCH"]),
    ("/network/control", &["POST"]),
    ("/webhooks", &["GET", "POST"]),
    ("/webhooks/{uuid}", &["GET", "PATCH", "DELETE"]),
    ("/dynamic-search-rules", &["POST", "DELETE"]),
    ("/dynamic-search-rules/{uid}", &["GET", "PATCH", "DELETE"]),
    ("/render-template", &["POST"]),
];

pub(super) fn routes() -> Vec<Route> {
    UNSUPPORTED.iter().flat_map(|(path, methods)| methods.iter().map(|method| route(path, method))).collect()
}

fn route(path: &'static str, method: &'static str) -> Route {
    // The table contains valid methods only; the tests call each.
    let known = Method::from_bytes(method.as_bytes()).unwrap_or(Method::GET);
    let words = path.split(['/', '-', '_', '{', '}']).filter(|word| !word.is_empty());
    let name: Vec<String> = words.map(str::to_lowercase).collect();
    let id = format!("unsupported_{}_{}", method.to_lowercase(), name.join("_"));
    let summary = format!("Refuse `{method} {path}`, which is not supported yet");
    let refuse = move |_, _| async move {
        Err(Failure::refused(
            ErrorCode::MiroirNotSupported,
            format!("`{method} {path}` is not supported for a cluster yet. Call a node directly instead."),
        ))
    };
    Route::new(known, path, id, summary, refuse).unsupported().refuses(&[ErrorCode::MiroirNotSupported])
}
