//! Is it alive, is it ready, what is it, how does it do: `/health`, `/version`, `/_miroir/…`.

use std::sync::Arc;

use http::{Method, StatusCode};
use miroir_domain::error::ErrorCode;
use serde_json::json;

use crate::Apis;
use crate::description::Schema;
use crate::reply::{Outcome, Reply};
use crate::request::{Request, index_uid};
use crate::route::Route;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/", "root", "A sign of life", root).open().returns(200, "It runs.", "Health"),
        Route::new(Method::GET, "/health", "health", "Whether the process lives", health)
            .open()
            .returns(200, "It does.", "Health"),
        Route::new(Method::GET, "/version", "version", "The version of a node", version)
            .returns(200, "The version.", "Version")
            .refuses(&[
                ErrorCode::MiroirNodeUnavailable,
                ErrorCode::MiroirShardUnavailable,
                ErrorCode::MiroirStoreUnavailable,
            ]),
        Route::new(Method::GET, "/_miroir/ready", "ready", "Whether requests can be served", ready)
            .open()
            .returns(200, "They can.", "Readiness")
            .returns(503, "They cannot, for these reasons.", "Readiness"),
        Route::new(Method::GET, "/_miroir/topology", "topology", "Nodes, groups and their health", topology)
            .admin()
            .returns(200, "The cluster as this instance sees it.", "Topology")
            .refuses(&[ErrorCode::MiroirStoreUnavailable]),
        Route::new(Method::GET, "/_miroir/shards", "shards", "Where the shards of an index live", shards)
            .admin()
            .query(&["shards.index"])
            .returns(200, "Every shard with its copies.", "Shards")
            .refuses(&[ErrorCode::InvalidIndexUid, ErrorCode::IndexNotFound, ErrorCode::MiroirStoreUnavailable]),
        Route::new(Method::GET, "/_miroir/metrics", "metrics", "Metrics for Prometheus", metrics)
            .admin()
            .text("Query parameters are let pass. The same without a key is at `metrics.address`, where that is set.")
            .returns_media(200, "In the text format of Prometheus.", vec![("text/plain", Schema::Text)]),
        // It says no more than the source does, and programs that read it (generators of clients, gateways) send no key.
        Route::new(Method::GET, "/_miroir/openapi.json", "openapi", "This document", openapi)
            .open()
            .returns(200, "An OpenAPI 3.1 document.", "OpenApi"),
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
    let index = request.query.get("index").map(|text| index_uid(text, "")).transpose()?;
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
    Ok(Reply::openapi())
}
