//! Settings of the HTTP server and its keys.

use std::net::{Ipv4Addr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;
use super::bound::MAX_DURATION_MS;

/// The HTTP server and its limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// IP address and port to listen on. Port 0 uses any free port.
    #[schemars(with = "String", extend("format" = "socket-address"))]
    pub address: SocketAddr,
    /// Maximum size of a request body.
    #[schemars(range(min = 1))]
    pub max_body_bytes: u64,
    /// Maximum number of concurrent requests. Further requests get 503 with `Retry-After`.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_concurrent_requests: u32,
    /// Maximum number of connections, within three quarters of the limit of open files. Beyond it, Miroir
    /// closes the connection that has been idle the longest: waiting for a request, the rest of one, or its
    /// client to read.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_connections: u32,
    /// Maximum time from a complete request to its response.
    #[schemars(range(min = 1, max = MAX_DURATION_MS))]
    pub request_timeout_ms: u64,
    /// Maximum time until the headers of a request are complete, or between two requests of a connection.
    #[schemars(range(min = 1, max = MAX_DURATION_MS))]
    pub header_timeout_ms: u64,
    /// Maximum time without a byte of a request body, and maximum delay of a body behind 1024 bytes per
    /// second.
    #[schemars(range(min = 1, max = MAX_DURATION_MS))]
    pub body_timeout_ms: u64,
    /// Maximum time that a client may read nothing of its response.
    #[schemars(range(min = 1, max = MAX_DURATION_MS))]
    pub write_timeout_ms: u64,
    /// Maximum time for requests in flight to finish when Miroir stops.
    #[schemars(range(max = MAX_DURATION_MS))]
    pub shutdown_grace_ms: u64,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 7700)),
            max_body_bytes: 100 * 1024 * 1024,
            max_concurrent_requests: 1024,
            max_connections: 8192,
            request_timeout_ms: 60_000,
            header_timeout_ms: 30_000,
            body_timeout_ms: 120_000,
            write_timeout_ms: 30_000,
            shutdown_grace_ms: 20_000,
        }
    }
}

/// Keys of the HTTP server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuthConfig {
    /// The key of client routes, sent as `Authorization: Bearer`, as with Meilisearch. Without it, client
    /// routes are open to everyone. Miroir also sends it to nodes unless `node_defaults.master_key` or the
    /// node's own key is set.
    pub master_key: Option<Secret>,
    /// The key of the routes under `/_miroir`. Without it, they are served on the loopback interface only.
    pub admin_key: Option<Secret>,
}
