//! Is it alive, is it ready, what is it, how does it do: `/health`, `/version`, `/_miroir/…`.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::{Method, StatusCode};
use miroir_domain::error::ErrorCode;
use serde_json::json;

use crate::Apis;
use crate::error::Failure;
use crate::openapi;
use crate::reply::{Outcome, Reply};
use crate::request::{Request, parse_index};
use crate::route::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/", Access::Open, root),
        Route::new(Method::GET, "/health", Access::Open, health),
        Route::client(Method::GET, "/version", version),
        Route::new(Method::GET, "/_miroir/ready", Access::Open, ready),
        Route::new(Method::GET, "/_miroir/topology", Access::Admin, topology),
        Route::new(Method::GET, "/_miroir/shards", Access::Admin, shards).query(&["shards.index"]),
        Route::new(Method::GET, "/_miroir/metrics", Access::Admin, metrics),
        // It says no more than the source does, and programs that read it (generators of clients, gateways) send no key.
        Route::new(Method::GET, "/_miroir/openapi.json", Access::Open, openapi),
    ]
}

/// What a Meilisearch server says here in production.
async fn root(_: Arc<Apis>, _: Request) -> Outcome {
    Reply::json(StatusCode::OK, &json!({ "status": "Meilisearch is running" }))
}

async fn health(_: Arc<Apis>, _: Request) -> Outcome {
    Reply::json(StatusCode::OK, &json!({ "status": "available" }))
}

async fn version(apis: Arc<Apis>, _: Request) -> Outcome {
    Reply::json(StatusCode::OK, &apis.cluster.version().await?)
}

async fn ready(apis: Arc<Apis>, _: Request) -> Outcome {
    let readiness = apis.cluster.readiness().await;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Reply::json(status, &readiness)
}

async fn shards(apis: Arc<Apis>, request: Request) -> Outcome {
    let index = request.query.text("index").map(|text| parse_index(&text)).transpose();
    let index = index.map_err(|message| Failure::refused(ErrorCode::InvalidIndexUid, message))?;
    Reply::json(StatusCode::OK, &apis.cluster.shards(index).await?)
}

async fn topology(apis: Arc<Apis>, _: Request) -> Outcome {
    Reply::json(StatusCode::OK, &apis.cluster.topology().await?)
}

/// Query parameters are let pass: a Prometheus may be configured to send some.
async fn metrics(apis: Arc<Apis>, _: Request) -> Outcome {
    Ok(Reply::exposition(apis.metrics.exposition().await))
}

async fn openapi(_: Arc<Apis>, _: Request) -> Outcome {
    static TEXT: LazyLock<Bytes> = LazyLock::new(|| openapi::document_text().into());
    Ok(Reply::whole(StatusCode::OK, TEXT.clone()))
}
