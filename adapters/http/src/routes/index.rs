//! `/indexes` and `/stats`: creating, listing, reading and deleting indexes.

use std::sync::Arc;

use http::Method;
use miroir_domain::IndexUid;
use miroir_domain::error::ErrorCode;
use serde_json::{Map, Value};

use crate::Apis;
use crate::error::Failure;
use crate::json;
use crate::reply::{Outcome, Reply};
use crate::request::{Request, index_uid};
use crate::route::Route;

const INDEXES: &str = "/indexes";
const INDEX: &str = "/indexes/{index_uid}";
const INDEX_STATS: &str = "/indexes/{index_uid}/stats";
/// The default page size.
const DEFAULT_LIMIT: u64 = 20;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, INDEXES, "indexList", "List indexes", list)
            .query(&["indexes.offset", "indexes.limit"])
            .returns(200, "Indexes, ordered by uid.", "IndexList")
            .refuses(&[
                ErrorCode::InvalidIndexOffset,
                ErrorCode::InvalidIndexLimit,
                ErrorCode::MiroirStoreUnavailable,
            ]),
        Route::new(Method::POST, INDEXES, "indexCreate", "Create an index", create)
            .body("IndexCreation")
            .writes()
            .refuses(&[
                ErrorCode::MissingIndexUid,
                ErrorCode::InvalidIndexUid,
                ErrorCode::InvalidIndexPrimaryKey,
                ErrorCode::MiroirAliasConflict,
            ]),
        Route::new(Method::GET, INDEX, "indexGet", "Get an index", get)
            .reads("The index.", "Index")
            .refuses(&[ErrorCode::MiroirAliasConflict]),
        Route::new(Method::DELETE, INDEX, "indexDelete", "Delete an index", delete)
            .writes()
            .refuses(&[ErrorCode::MiroirAliasConflict]),
        Route::new(Method::GET, INDEX_STATS, "indexStats", "Get the statistics of an index", index_stats)
            .reads("The statistics. Every document counts once, however many replicas it has.", "IndexStats"),
        Route::new(Method::GET, "/stats", "stats", "Get the statistics of all indexes", stats)
            .returns_with(
                200,
                "The statistics of every index, and the disk usage of all nodes.",
                "Stats",
                &["X-Miroir-Degraded"],
            )
            .refuses(&[
                ErrorCode::MiroirStoreUnavailable,
                ErrorCode::MiroirNodeUnavailable,
                ErrorCode::MiroirShardUnavailable,
            ]),
    ]
}

async fn list(apis: Arc<Apis>, request: Request) -> Outcome {
    let offset = request.query.number("offset", ErrorCode::InvalidIndexOffset)?.unwrap_or(0);
    let limit = request.query.number("limit", ErrorCode::InvalidIndexLimit)?.unwrap_or(DEFAULT_LIMIT);
    Reply::read(apis.index.index_list(offset, limit).await?)
}

async fn create(apis: Arc<Apis>, mut request: Request) -> Outcome {
    let fields = json::object(request.json().await?, &["uid", "primaryKey"])?;
    let uid = read_uid(&fields)?;
    let primary_key = read_primary_key(&fields)?;
    Reply::accepted(apis.index.index_create(uid, primary_key).await?)
}

fn read_uid(fields: &Map<String, Value>) -> Result<IndexUid, Failure> {
    match fields.get("uid") {
        None => Err(json::missing_field(ErrorCode::MissingIndexUid, "uid")),
        Some(Value::String(uid)) => index_uid(uid, "Invalid value at `.uid`: "),
        Some(other) => Err(json::wrong_type(ErrorCode::InvalidIndexUid, ".uid", "a string", other)),
    }
}

fn read_primary_key(fields: &Map<String, Value>) -> Result<Option<String>, Failure> {
    match fields.get("primaryKey") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(primary_key)) => Ok(Some(primary_key.clone())),
        Some(other) => {
            Err(json::wrong_type(ErrorCode::InvalidIndexPrimaryKey, ".primaryKey", "a string", other))
        }
    }
}

async fn get(apis: Arc<Apis>, request: Request) -> Outcome {
    Reply::client_object(apis.index.index_get(request.index()?).await?)
}

async fn index_stats(apis: Arc<Apis>, request: Request) -> Outcome {
    Reply::read(apis.index.index_stats(request.index()?).await?)
}

async fn stats(apis: Arc<Apis>, _: Request) -> Outcome {
    Reply::read(apis.index.stats().await?)
}

async fn delete(apis: Arc<Apis>, request: Request) -> Outcome {
    Reply::accepted(apis.index.index_delete(request.index()?).await?)
}
