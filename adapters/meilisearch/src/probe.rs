//! Checks that a node is available and accepts the key.

use http::Method;
use miroir_domain::NodeId;
use miroir_ports::outbound::NodeError;
use serde_json::Value;
use tokio::time::Instant;

use crate::call::Call;
use crate::client::NodeClient;

/// Checks that the node says that it is available.
pub(crate) async fn health(nodes: &NodeClient, node: &NodeId, deadline: Instant) -> Result<(), NodeError> {
    let call = Call::new(Method::GET, "/health");
    let health: Value = nodes.send(node, call, deadline).await.map_err(|error| match error {
        // Every Meilisearch server serves this route without a key, so a server that refuses it is not
        // Meilisearch.
        NodeError::Refused { status, .. } => NodeError::unknown(
            node,
            format!("its health route returned {status}: is this a Meilisearch server?"),
        ),
        other => other,
    })?;
    match health.get("status").and_then(Value::as_str) {
        Some("available") => Ok(()),
        _ => Err(NodeError::unknown(node, "its health route did not return `available`")),
    }
}

/// Returns the version of the node, which it shows to those with its key. A node that refuses the key refuses
/// every request, so it is of no use, though each refusal is a response.
pub(crate) async fn version(
    nodes: &NodeClient,
    node: &NodeId,
    deadline: Instant,
) -> Result<String, NodeError> {
    let call = Call::new(Method::GET, "/version");
    let version: Result<Value, NodeError> = nodes.send(node, call, deadline).await;
    match version {
        Ok(version) => match version.get("pkgVersion").and_then(Value::as_str) {
            Some(version) => Ok(version.to_owned()),
            None => Err(NodeError::unknown(node, "its version route returned no `pkgVersion`")),
        },
        Err(NodeError::Refused { status: status @ (401 | 403), error, .. }) => Err(NodeError::unknown(
            node,
            format!(
                "it refuses the key ({status} {}): set its master key as `master_key` of the node, \
                 `node_defaults.master_key` or `auth.master_key`",
                error.code
            ),
        )),
        Err(NodeError::Refused { status, .. }) => Err(NodeError::unknown(
            node,
            format!("its version route returned {status}: is this a Meilisearch server?"),
        )),
        Err(other) => Err(other),
    }
}
