//! Reading the settings of an index from one node.

use miroir_domain::{NodeId, PhysicalUid};
use miroir_ports::outbound::{NodeError, NodeRead};
use serde_json::Value;

use crate::cluster::Cluster;

/// Returns the settings of `index` on `node`, or `None` if the node does not have the index.
pub(super) async fn read_settings(
    cluster: &Cluster,
    index: &PhysicalUid,
    node: &NodeId,
) -> Result<Option<Value>, NodeError> {
    const NOT_FOUND: u16 = 404;
    match cluster.nodes.read(node, NodeRead::Settings(index.clone(), None)).await {
        Ok(settings) => Ok(Some(settings)),
        Err(NodeError::Refused { status: NOT_FOUND, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
