//! Settings of metrics.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Metrics for Prometheus, beside `GET /_miroir/metrics`. See metrics.md.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsConfig {
    /// IP address and port that serve `GET /metrics` without a key, and nothing else. Default: metrics are
    /// served on `server.address` only, with the admin key. Port 0 uses any free port.
    #[schemars(with = "Option<String>", extend("format" = "socket-address"))]
    pub address: Option<SocketAddr>,
}
