//! Routes of API keys, which need a master key.

mod action;
mod body;
mod expiry;

use serde_json::Value;

use super::handler::Handler;
use super::request::Request;
use super::response::{Responded, Response, page};
use crate::error::ApiError;
use crate::shared::Shared;

/// Returns the handler of the route below `/keys`.
pub(super) fn find<'r>(method: &str, rest: &'r [&'r str]) -> Option<Handler<'r>> {
    Some(match (method, rest) {
        ("GET", []) => Box::new(list),
        ("POST", []) => Box::new(create),
        ("GET", [name]) => Box::new(move |shared, _| get(shared, name)),
        ("PATCH", [name]) => Box::new(move |shared, request| update(shared, request, name)),
        ("DELETE", [name]) => Box::new(move |shared, _| delete(shared, name)),
        _ => return None,
    })
}

/// Serves `GET /keys`.
fn list(shared: &Shared, request: &Request) -> Responded {
    let master_key = master_key(shared)?;
    request.query.only(&["offset", "limit"])?;
    let offset = request.query.number("offset", "invalid_api_key_offset")?.unwrap_or(0);
    let limit = request.query.number("limit", "invalid_api_key_limit")?.unwrap_or(20);
    let state = shared.state();
    let keys = state.keys.newest_first();
    let total = keys.len();
    let views: Vec<Value> = keys.skip(offset).take(limit).map(|key| key.view(master_key)).collect();
    Ok(page(&views, offset, limit, total))
}

/// Serves `POST /keys`.
fn create(shared: &Shared, request: &Request) -> Responded {
    let master_key = master_key(shared)?;
    let now = shared.now();
    let key = body::new_key(&request.json()?, now)?;
    Ok(Response::json(201, &shared.state().keys.create(key, now)?.view(master_key)))
}

/// Serves `GET /keys/{uid or key}`.
fn get(shared: &Shared, name: &str) -> Responded {
    let master_key = master_key(shared)?;
    Ok(Response::ok(&shared.state().keys.get(name, master_key)?.view(master_key)))
}

/// Serves `PATCH /keys/{uid or key}`.
fn update(shared: &Shared, request: &Request, name: &str) -> Responded {
    let master_key = master_key(shared)?;
    let change = body::change(&request.json()?)?;
    let mut state = shared.state();
    Ok(Response::ok(&state.keys.update(name, master_key, change, shared.now())?.view(master_key)))
}

/// Serves `DELETE /keys/{uid or key}`.
fn delete(shared: &Shared, name: &str) -> Responded {
    let master_key = master_key(shared)?;
    shared.state().keys.remove(name, master_key)?;
    Ok(Response::empty(204))
}

/// Returns the master key. Refuses the request on a node without one.
fn master_key(shared: &Shared) -> Result<&str, ApiError> {
    shared.options.master_key.as_deref().ok_or_else(|| {
        let message = "Meilisearch is running without a master key. To access this API endpoint, you must have set a \
                       master key at launch.";
        ApiError::with_status(401, "missing_master_key", message)
    })
}
