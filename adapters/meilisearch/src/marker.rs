//! The marker of a node: an API key where the node has a master key, and else an index with one document.
//!
//! A node serves its API keys at once and keeps them in its snapshots. The key permits no action. Without a
//! master key, a server has no API keys.

use http::Method;
use miroir_domain::NodeId;
use miroir_domain::identity::MARKER_INDEX;
use miroir_ports::outbound::NodeError;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::call::Call;
use crate::client::NodeClient;
use crate::{task, write};

/// The uid of the API key. It must be a UUID of version 4.
const KEY_UID: &str = "6d69726f-6972-4d61-8b65-720000000001";

/// The code with which a node without a master key refuses everything about API keys.
const NO_MASTER_KEY: &str = "missing_master_key";

/// Returns the text of the marker, if the node has one.
pub(crate) async fn read(
    nodes: &NodeClient,
    node: &NodeId,
    deadline: Instant,
) -> Result<Option<String>, NodeError> {
    let key = Call::new(Method::GET, format!("/keys/{KEY_UID}"));
    match nodes.send::<Value>(node, key, deadline).await {
        Ok(key) => return Ok(Some(text(&key, "description"))),
        Err(NodeError::Refused { status: 404, .. }) => {}
        Err(NodeError::Refused { error, .. }) if error.code == NO_MASTER_KEY => {}
        Err(error) => return Err(error),
    }
    // The node may have got its master key later than its marker.
    let document = Call::new(Method::GET, format!("/indexes/{MARKER_INDEX}/documents/1"));
    match nodes.send::<Value>(node, document, deadline).await {
        Ok(document) => Ok(Some(text(&document, "marker"))),
        Err(NodeError::Refused { status: 404, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn text(value: &Value, field: &str) -> String {
    value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Writes the text of the marker, and returns once it is durable.
pub(crate) async fn write(
    nodes: &NodeClient,
    node: &NodeId,
    text: &str,
    deadline: Instant,
) -> Result<(), NodeError> {
    let key = Call::new(Method::POST, "/keys").with_json(json!({
        "uid": KEY_UID,
        "name": "Miroir",
        "description": text,
        "actions": [],
        "indexes": [],
        "expiresAt": null,
    }));
    match nodes.send::<Value>(node, key, deadline).await {
        Ok(_) => Ok(()),
        Err(NodeError::Refused { error, .. }) if error.code == "api_key_already_exists" => {
            let change = Call::new(Method::PATCH, format!("/keys/{KEY_UID}"))
                .with_json(json!({ "description": text }));
            nodes.send::<Value>(node, change, deadline).await.map(drop)
        }
        Err(NodeError::Refused { error, .. }) if error.code == NO_MASTER_KEY => {
            write_document(nodes, node, text, deadline).await
        }
        Err(error) => Err(error),
    }
}

async fn write_document(
    nodes: &NodeClient,
    node: &NodeId,
    text: &str,
    deadline: Instant,
) -> Result<(), NodeError> {
    let document = Call::new(Method::POST, format!("/indexes/{MARKER_INDEX}/documents"))
        .with_query("primaryKey", "id")
        .with_json(json!([{ "id": 1, "marker": text }]));
    let accepted: write::Accepted = nodes.send(node, document, deadline).await?;
    task::succeeded(nodes, node, accepted.task_uid, deadline).await
}
