//! Health, readiness, version, topology, metrics and this API's OpenAPI document.

use std::sync::Arc;

use http::{Method, StatusCode};
use miroir_domain::NodeId;
use miroir_domain::error::ErrorCode;
use miroir_domain::role::Role;
use miroir_domain::wording::excerpt;
use miroir_ports::inbound::{ApiError, Purpose};
use serde_json::json;

use crate::Apis;
use crate::description::Schema;
use crate::reply::{Outcome, Reply};
use crate::request::{Request, index_uid};
use crate::route::Route;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/", "root", "Check that the server runs", root).open().returns(200, "The server runs.", "Health"),
        Route::new(Method::GET, "/health", "health", "Check that the process is alive", health)
            .open()
            .returns(200, "The process is alive.", "Health"),
        Route::new(Method::GET, "/version", "version", "Get the version of a node", version)
            .returns(200, "The version.", "Version")
            .refuses(&[
                ErrorCode::MiroirNodeUnavailable,
                ErrorCode::MiroirShardUnavailable,
                ErrorCode::MiroirStoreUnavailable,
            ]),
        Route::new(Method::GET, "/_miroir/ready", "ready", "Check that requests can be served", ready)
            .open()
            .returns(200, "Requests can be served.", "Readiness")
            .query(&["ready.for"])
            .text("Reads continue for `store.max_staleness_ms` while the task store is away. With `for=writes`, the response says whether writes are accepted.")
            .returns(503, "Requests cannot be served, for the given reasons.", "Readiness"),
        Route::new(Method::GET, "/_miroir/topology", "topology", "Get nodes, groups and their health", topology)
            .admin()
            .returns(200, "The cluster as this instance sees it.", "Topology")
            .refuses(&[ErrorCode::MiroirStoreUnavailable]),
        node_change("/_miroir/nodes/{node}/adopt", "nodeAdopt", "Accept the data of a node", adopt)
            .text("For a node with unknown data, and for replicas that no other node has in sync. Everything that another node has is repaired from there."),
        node_change(
            "/_miroir/nodes/{node}/reset",
            "nodeReset",
            "Delete the indexes of a node with unknown data, and fill it",
            reset,
        ),
        Route::new(Method::GET, "/_miroir/shards", "shards", "Get the placement of the shards of an index", shards)
            .admin()
            .query(&["shards.index"])
            .returns(200, "Every shard with its replicas.", "Shards")
            .refuses(&[ErrorCode::InvalidIndexUid, ErrorCode::IndexNotFound, ErrorCode::MiroirStoreUnavailable]),
        Route::new(Method::GET, "/_miroir/metrics", "metrics", "Get metrics for Prometheus", metrics)
            .admin()
            .text("Query parameters are ignored. If `metrics.address` is set, the same metrics are served there without a key.")
            .returns_media(200, "Metrics in the text format of Prometheus.", vec![("text/plain", Schema::Text)]),
        // The document contains nothing secret, and programs that read it (generators of clients, gateways)
        // send no key.
        Route::new(Method::GET, "/_miroir/openapi.json", "openapi", "Get this document", openapi)
            .open()
            .returns(200, "An OpenAPI 3.1 document.", "OpenApi"),
    ]
}

/// Returns the route of a decision about a node. The leader serves it.
fn node_change<F, Fut>(path: &'static str, name: &'static str, summary: &'static str, handler: F) -> Route
where
    F: Fn(Arc<Apis>, Request) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Outcome> + Send + 'static,
{
    Route::new(Method::POST, path, name, summary, handler)
        .admin()
        .query(&[])
        .served_by(|_| Some(Role::Writes))
        .returns(200, "The node after the change.", "Node")
        .refuses(&[
            ErrorCode::MiroirNodeNotFound,
            ErrorCode::MiroirNodeConflict,
            ErrorCode::MiroirNodeUnavailable,
            ErrorCode::MiroirStoreUnavailable,
        ])
}

async fn adopt(apis: Arc<Apis>, request: Request) -> Outcome {
    Reply::json(StatusCode::OK, &apis.cluster.node_adopt(&node_id(&request)?).await?)
}

async fn reset(apis: Arc<Apis>, request: Request) -> Outcome {
    Reply::json(StatusCode::OK, &apis.cluster.node_reset(&node_id(&request)?).await?)
}

/// Returns the node of the path. A text that is no name is of no node.
fn node_id(request: &Request) -> Result<NodeId, ApiError> {
    let text = request.parameter(0);
    text.parse().map_err(|_| {
        let message = format!("Node `{}` is not of the cluster.", excerpt(text, 80));
        ApiError::refused(ErrorCode::MiroirNodeNotFound, message)
    })
}

/// Returns the response of a Meilisearch server in production.
async fn root(_: Arc<Apis>, _: Request) -> Outcome {
    Reply::json(StatusCode::OK, &json!({ "status": "Meilisearch is running" }))
}

async fn health(_: Arc<Apis>, _: Request) -> Outcome {
    Reply::json(StatusCode::OK, &json!({ "status": "available" }))
}

async fn version(apis: Arc<Apis>, _: Request) -> Outcome {
    Reply::json(StatusCode::OK, &apis.cluster.version().await?)
}

async fn ready(apis: Arc<Apis>, request: Request) -> Outcome {
    let purpose = match request.query.get("for") {
        None | Some("reads") => Purpose::Reads,
        Some("writes") => Purpose::Writes,
        Some(other) => {
            let message = format!("`for` is `{}`: it must be `reads` or `writes`.", excerpt(other, 80));
            return Err(ApiError::refused(ErrorCode::BadRequest, message).into());
        }
    };
    let readiness = apis.cluster.readiness(purpose).await;
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

/// Ignores query parameters, since Prometheus may be configured to send some.
async fn metrics(apis: Arc<Apis>, _: Request) -> Outcome {
    let exposition = apis.metrics.exposition().await;
    Ok(Reply::text(exposition.content_type, exposition.text))
}

async fn openapi(_: Arc<Apis>, _: Request) -> Outcome {
    Ok(Reply::openapi())
}
