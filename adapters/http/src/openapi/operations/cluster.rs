//! Health, readiness, version, topology, and this document.

use miroir_domain::error::ErrorCode;
use serde_json::json;

use super::Operation;

pub(super) fn operations() -> Vec<Operation> {
    let about = [
        Operation::new("GET", "/", "root", "A sign of life").open().answers(200, "It runs.", "Health"),
        Operation::new("GET", "/health", "health", "Whether the process lives")
            .open()
            .answers(200, "It does.", "Health"),
        Operation::new("GET", "/version", "version", "The version of a node")
            .answers(200, "The version.", "Version")
            .refuses(&[
                ErrorCode::MiroirNodeUnavailable,
                ErrorCode::MiroirShardUnavailable,
                ErrorCode::MiroirStoreUnavailable,
            ]),
        Operation::new("GET", "/_miroir/ready", "ready", "Whether requests can be served")
            .open()
            .answers(200, "They can.", "Readiness")
            .answers(503, "They cannot, for these reasons.", "Readiness"),
        Operation::new("GET", "/_miroir/topology", "topology", "Nodes, groups and their health")
            .admin()
            .answers(200, "The cluster as this instance sees it.", "Topology")
            .refuses(&[ErrorCode::MiroirStoreUnavailable]),
        Operation::new("GET", "/_miroir/shards", "shards", "Where the shards of an index live")
            .admin()
            .takes(&["shards.index"])
            .answers(200, "Every shard with its copies.", "Shards")
            .refuses(&[ErrorCode::InvalidIndexUid, ErrorCode::IndexNotFound, ErrorCode::MiroirStoreUnavailable]),
        Operation::new("GET", "/_miroir/metrics", "metrics", "Metrics for Prometheus")
            .description("Query parameters are let pass. The same without a key is at `metrics.address`, where that is set.")
            .admin()
            .answer(200, "In the text format of Prometheus.", &[], Some(json!({ "text/plain": { "schema": { "type": "string" } } }))),
        Operation::new("GET", "/_miroir/openapi.json", "openapi", "This document").open().answers(
            200,
            "An OpenAPI 3.1 document.",
            "OpenApi",
        ),
    ];
    about.into_iter().map(|operation| operation.tag("cluster")).collect()
}
