//! `/multi-search`: several independent searches in one request.
//!
//! The searches run inside the request. If the client disconnects, their fan-outs are dropped.

use std::sync::Arc;

use futures_util::future::join_all;
use http::Method;
use miroir_domain::IndexUid;
use miroir_domain::error::ErrorCode;
use miroir_domain::quorum::Degraded;
use miroir_domain::search::SearchRequest;
use miroir_ports::inbound::ReadResponse;
use serde_json::{Map, Value, json};

use super::search::TEXT;
use crate::Apis;
use crate::error::Failure;
use crate::json;
use crate::reply::{Outcome, Reply};
use crate::request::{Request, index_uid};
use crate::route::Route;

/// The maximum number of searches in one request. Each of them is a fan-out.
const MAX_QUERIES: usize = 100;

pub(super) fn routes() -> Vec<Route> {
    let route =
        Route::new(Method::POST, "/multi-search", "multiSearch", "Run several searches", multi_search);
    vec![
        route
            .any_instance()
            .text(TEXT)
            .body("MultiSearchQuery")
            .reads("The responses, in the order of the queries.", "MultiSearchResponse")
            .refuses_all("invalid_search_")
            .refuses(&[
                ErrorCode::MissingIndexUid,
                ErrorCode::InvalidIndexUid,
                ErrorCode::MiroirNotSupported,
            ]),
    ]
}

async fn multi_search(apis: Arc<Apis>, mut request: Request) -> Outcome {
    let fields = json::object(request.json().await?, &["queries", "federation"])?;
    if fields.get("federation").is_some_and(|federation| !federation.is_null()) {
        let message =
            "`federation` is not supported for a cluster yet. Leave it out to get a response for each query.";
        return Err(Failure::refused(ErrorCode::MiroirNotSupported, message));
    }
    let queries = json::array(&fields, "queries", ErrorCode::BadRequest)?;
    let queries = queries.ok_or_else(|| json::missing_field(ErrorCode::BadRequest, "queries"))?;
    if queries.len() > MAX_QUERIES {
        let message = format!("`.queries` has {} searches. The maximum is {MAX_QUERIES}.", queries.len());
        return Err(Failure::refused(ErrorCode::BadRequest, message));
    }
    let inside = |position: usize| move |failure: Failure| failure.inside(&format!(".queries[{position}]"));
    let read = queries.iter().enumerate().map(|(at, query)| read_query(query).map_err(inside(at)));
    let read = read.collect::<Result<Vec<_>, Failure>>()?;
    let searches = read.into_iter().enumerate().map(|(at, (index, search))| {
        let apis = &apis;
        async move {
            let response = apis.search.search(index.clone(), search).await;
            response.map(|response| (index, response)).map_err(|error| inside(at)(error.into()))
        }
    });
    let responses = join_all(searches).await.into_iter().collect::<Result<Vec<_>, Failure>>()?;
    Reply::read(merge(responses))
}

fn read_query(query: &Value) -> Result<(IndexUid, SearchRequest), Failure> {
    let Value::Object(fields) = query else {
        return Err(json::wrong_type(ErrorCode::BadRequest, "", "an object", query));
    };
    let mut fields = fields.clone();
    let index = match fields.shift_remove("indexUid") {
        Some(Value::String(text)) => index_uid(&text, "")?,
        Some(other) => {
            return Err(json::wrong_type(ErrorCode::InvalidIndexUid, ".indexUid", "a string", &other));
        }
        None => return Err(json::missing_field(ErrorCode::MissingIndexUid, "indexUid")),
    };
    if fields.contains_key("federationOptions") {
        let message = "`federationOptions` needs `federation`, which is not supported for a cluster yet.";
        return Err(Failure::refused(ErrorCode::MiroirNotSupported, message));
    }
    Ok((index, SearchRequest::from_json(Value::Object(fields))?))
}

fn merge(responses: Vec<(IndexUid, ReadResponse)>) -> ReadResponse {
    let mut results = Vec::with_capacity(responses.len());
    let mut missing: Vec<Degraded> = Vec::new();
    for (index, response) in responses {
        missing.extend(response.degraded);
        let mut result = Map::from_iter([("indexUid".to_owned(), Value::from(index.as_str()))]);
        if let Value::Object(body) = response.body {
            result.extend(body);
        }
        results.push(Value::Object(result));
    }
    ReadResponse { body: json!({ "results": results }), degraded: missing.into_iter().reduce(Degraded::and) }
}
