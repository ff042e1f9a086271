//! Settings of instances that share a store.

use miroir_domain::InstanceId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::BaseUrl;

/// Instances that share a store on Redis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct InstanceConfig {
    /// Id, unique among the instances on the store, such as the name of the pod. Default: a new one at every
    /// start.
    #[schemars(with = "Option<String>", extend("format" = "instance-id"))]
    pub id: Option<InstanceId>,
    /// URL at which other instances reach this one, such as `http://10.0.0.5:7700`, to forward requests to
    /// it. Default: `server.address`, with the host name of the machine in place of an unspecified IP
    /// address.
    pub url: Option<BaseUrl>,
    /// Duration of a lease: the time until another instance takes over the roles of one that does not
    /// respond. An instance gives up a role that it could not renew for four fifths of that time.
    #[schemars(range(min = 1000, max = 600_000))]
    pub lease_ms: u64,
}

impl Default for InstanceConfig {
    fn default() -> Self {
        Self { id: None, url: None, lease_ms: 5_000 }
    }
}
