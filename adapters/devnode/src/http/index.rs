//! Routes of indexes and statistics.

use serde_json::{Map, Value, json};

use super::field::Fields;
use super::request::Request;
use super::response::{Responded, Response, accept_in, check_index_uid, page};
use crate::error::ApiError;
use crate::json::object;
use crate::shared::Shared;
use crate::task::Work;

/// Serves `GET /indexes`.
pub(super) fn list(shared: &Shared, request: &Request) -> Responded {
    request.query.only(&["offset", "limit"])?;
    let offset = request.query.number("offset", "invalid_index_offset")?.unwrap_or(0);
    let limit = request.query.number("limit", "invalid_index_limit")?.unwrap_or(20);
    let state = shared.state();
    let views: Vec<Value> =
        state.indexes.iter().skip(offset).take(limit).map(|(uid, index)| index.view(uid)).collect();
    Ok(page(&views, offset, limit, state.indexes.len()))
}

/// Serves `POST /indexes`.
pub(super) fn create(shared: &Shared, request: &Request) -> Responded {
    let body = request.json()?;
    let fields = Fields::new(object(&body, &["uid", "primaryKey"])?);
    let uid = fields.text("uid", "invalid_index_uid")?;
    let uid = uid.ok_or_else(|| ApiError::invalid("missing_index_uid", "Missing field `uid`"))?;
    check_index_uid(uid, "Invalid value at `.uid`: ")?;
    let primary_key = fields.text("primaryKey", "invalid_index_primary_key")?.map(str::to_owned);
    accept_in(shared, request, uid, Work::CreateIndex { primary_key })
}

/// Serves `GET /indexes/{uid}`.
pub(super) fn get(shared: &Shared, uid: &str) -> Responded {
    Ok(Response::ok(&shared.state().index(uid)?.view(uid)))
}

/// Serves `PATCH /indexes/{uid}`.
pub(super) fn update(shared: &Shared, request: &Request, uid: &str) -> Responded {
    let body = request.json()?;
    for (field, code) in
        [("createdAt", "immutable_index_created_at"), ("updatedAt", "immutable_index_updated_at")]
    {
        if body.get(field).is_some() {
            let message = format!("Immutable field `{field}`: expected one of `primaryKey`, `uid`");
            return Err(ApiError::invalid(code, message));
        }
    }
    let fields = Fields::new(object(&body, &["primaryKey", "uid"])?);
    let primary_key = fields.text("primaryKey", "invalid_index_primary_key")?.map(str::to_owned);
    let new_uid = fields.text("uid", "invalid_index_uid")?.map(str::to_owned);
    if let Some(new_uid) = &new_uid {
        check_index_uid(new_uid, "Invalid value at `.uid`: ")?;
    }
    accept_in(shared, request, uid, Work::UpdateIndex { primary_key, new_uid })
}

/// The parameters of both routes of statistics, which have no effect here.
const STATS_PARAMETERS: [&str; 2] = ["showInternalDatabaseSizes", "sizeFormat"];

/// Serves `GET /indexes/{uid}/stats`.
pub(super) fn stats(shared: &Shared, request: &Request, uid: &str) -> Responded {
    request.query.only(&STATS_PARAMETERS)?;
    let state = shared.state();
    Ok(Response::ok(&state.index(uid)?.stats(state.is_indexing(uid))))
}

/// Serves `GET /stats`. The size of the database is that of the documents as text.
pub(super) fn all_stats(shared: &Shared, request: &Request) -> Responded {
    request.query.only(&STATS_PARAMETERS)?;
    let state = shared.state();
    let indexes: Map<String, Value> =
        state.indexes.iter().map(|(uid, index)| (uid.clone(), index.stats(state.is_indexing(uid)))).collect();
    let size: u64 = indexes.values().filter_map(|stats| stats["rawDocumentDbSize"].as_u64()).sum();
    let last_update = state.indexes.values().map(|index| index.updated_at).max();
    Ok(Response::ok(&json!({
        "databaseSize": size,
        "usedDatabaseSize": size,
        "lastUpdate": last_update.map(|instant| instant.to_string()),
        "indexes": indexes,
    })))
}
