//! Settings of metrics.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Metrics for Prometheus, beside `GET /_miroir/metrics`. See metrics.md.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsConfig {
    /// IP address and port on which `GET /metrics` is served to everyone, without a key, and nothing else. Unset, metrics
    /// are only served on `server.address`, with the admin key. Port 0 takes any free port.
    #[schemars(with = "Option<String>", extend("format" = "socket-address"))]
    pub address: Option<SocketAddr>,
}
