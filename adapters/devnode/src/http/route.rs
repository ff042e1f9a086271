//! The routes: dispatch by path and method, and the check of the key.

use serde_json::json;

use super::handler::Handler;
use super::request::Request;
use super::response::{Response, accept, check_index_uid};
use super::{document, index, key, search, settings, task};
use crate::error::ApiError;
use crate::shared::Shared;
use crate::task::Work;

/// Responds to a request.
pub(crate) fn respond(shared: &Shared, request: &Request) -> Response {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let handler = match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["health"]) => return Response::ok(&json!({ "status": "available" })),
        (method, segments) => find(method, segments),
    };
    match handler {
        Some(handler) => {
            authorize(shared, request).and_then(|()| handler(shared, request)).unwrap_or_else(Response::from)
        }
        None if METHODS.iter().any(|method| find(method, &segments).is_some()) || segments == ["health"] => {
            Response::empty(405)
        }
        None => Response::empty(404),
    }
}

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

fn find<'r>(method: &str, segments: &'r [&'r str]) -> Option<Handler<'r>> {
    Some(match (method, segments) {
        ("GET", ["version"]) => Box::new(|_, _| {
            let version = json!({ "commitSha": "unknown", "commitDate": "unknown", "pkgVersion": "1.50.0" });
            Ok(Response::ok(&version))
        }),
        ("GET", ["stats"]) => Box::new(index::all_stats),
        ("GET", ["indexes"]) => Box::new(index::list),
        ("POST", ["indexes"]) => Box::new(index::create),
        (method, ["keys", rest @ ..]) => return key::find(method, rest),
        ("GET", ["tasks"]) => Box::new(task::list),
        ("DELETE", ["tasks"]) => Box::new(task::delete),
        ("POST", ["tasks", "cancel"]) => Box::new(task::cancel),
        ("GET", ["tasks", uid]) => Box::new(move |shared, _| task::get(shared, uid)),
        (method, ["indexes", uid, rest @ ..]) => {
            let handler = find_in_index(method, uid, rest)?;
            Box::new(move |shared, request| {
                check_index_uid(uid, "")?;
                handler(shared, request)
            })
        }
        _ => return None,
    })
}

fn find_in_index<'r>(method: &str, uid: &'r str, rest: &'r [&'r str]) -> Option<Handler<'r>> {
    Some(match (method, rest) {
        ("GET", []) => Box::new(move |shared, _| index::get(shared, uid)),
        ("PATCH", []) => Box::new(move |shared, request| index::update(shared, request, uid)),
        ("DELETE", []) => {
            Box::new(move |shared, request| accept(shared, request, Some(uid), Work::DeleteIndex, 202))
        }
        ("GET", ["stats"]) => Box::new(move |shared, request| index::stats(shared, request, uid)),
        ("GET", ["search"]) => Box::new(move |shared, request| search::get(shared, request, uid)),
        ("POST", ["search"]) => Box::new(move |shared, request| search::post(shared, request, uid)),
        ("POST", ["documents"]) => Box::new(move |shared, request| document::add(shared, request, uid, true)),
        ("PUT", ["documents"]) => Box::new(move |shared, request| document::add(shared, request, uid, false)),
        ("GET", ["documents"]) => Box::new(move |shared, request| document::list(shared, request, uid)),
        ("DELETE", ["documents"]) => Box::new(move |shared, request| document::clear(shared, request, uid)),
        ("POST", ["documents", "fetch"]) => {
            Box::new(move |shared, request| document::fetch(shared, request, uid))
        }
        ("POST", ["documents", "delete"]) => {
            Box::new(move |shared, request| document::delete_by_filter(shared, request, uid))
        }
        ("POST", ["documents", "delete-batch"]) => {
            Box::new(move |shared, request| document::delete_batch(shared, request, uid))
        }
        ("GET", ["documents", id]) => {
            let id = *id;
            Box::new(move |shared, request| document::get(shared, request, uid, id))
        }
        ("DELETE", ["documents", id]) => {
            let id = *id;
            Box::new(move |shared, request| document::delete(shared, request, uid, id))
        }
        (method, ["settings", rest @ ..]) => return settings::find(method, uid, rest),
        _ => return None,
    })
}

fn authorize(shared: &Shared, request: &Request) -> Result<(), ApiError> {
    let Some(master_key) = &shared.options.master_key else { return Ok(()) };
    let Some(header) = request.header("authorization") else {
        let message = "The Authorization header is missing. It must use the bearer authorization method.";
        return Err(ApiError::with_status(401, "missing_authorization_header", message));
    };
    if header.strip_prefix("Bearer ") == Some(master_key) {
        return Ok(());
    }
    Err(ApiError::with_status(403, "invalid_api_key", "The provided API key is invalid."))
}
