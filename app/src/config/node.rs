//! Settings of the nodes.

use miroir_domain::{GroupId, NodeId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BaseUrl, Secret};

/// Defaults for all nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NodeDefaults {
    /// The master key of the nodes. Default: `auth.master_key`.
    pub master_key: Option<Secret>,
}

/// One Meilisearch server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    /// Name in the cluster. It determines which documents the node stores: after a rename, Miroir expects its
    /// documents on other nodes.
    #[schemars(with = "String", extend("format" = "node-id"))]
    pub id: NodeId,
    /// URL, such as `http://10.0.0.5:7700`.
    pub url: BaseUrl,
    /// Number of its replica group. Every group contains all documents, and each search uses one group.
    #[serde(default = "first_group")]
    #[schemars(with = "u32")]
    pub group: GroupId,
    /// Master key. Default: `node_defaults.master_key`, else `auth.master_key`.
    #[serde(default)]
    pub master_key: Option<Secret>,
}

fn first_group() -> GroupId {
    GroupId(0)
}
