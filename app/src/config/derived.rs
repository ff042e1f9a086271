//! Settings as the types that other modules use.

use std::time::Duration;

use miroir_domain::health::HealthThresholds;
use miroir_domain::topology::{InvalidTopology, Node, Topology};

use super::{
    CanaryConfig, Config, HealthConfig, InstanceConfig, NodeConfig, Secret, ServerConfig, SinkConfig,
    StoreConfig, TaskRegistryConfig, TimeoutConfig,
};

impl Config {
    /// Returns the topology of the configured nodes. No nodes are an error.
    pub fn topology(&self) -> Result<Topology, InvalidTopology> {
        let nodes = self.nodes.iter().map(|node| Node { id: node.id.clone(), group: node.group }).collect();
        Topology::new(nodes, self.cluster.replication_factor, self.cluster.write_quorum)
    }

    /// Returns the key for requests to `node`: its own, else that of `node_defaults`, else `auth.master_key`.
    pub fn node_master_key<'config>(&'config self, node: &'config NodeConfig) -> Option<&'config Secret> {
        node.master_key.as_ref().or(self.node_defaults.master_key.as_ref()).or(self.auth.master_key.as_ref())
    }
}

/// Adds methods that return fields in milliseconds as durations.
macro_rules! durations {
    ($section:ident { $($name:ident from $field:ident),+ $(,)? }) => {
        impl $section {
            $(
                #[doc = concat!("Returns `", stringify!($field), "` as a duration.")]
                pub fn $name(&self) -> Duration {
                    Duration::from_millis(self.$field)
                }
            )+
        }
    };
}

durations!(ServerConfig {
    request_timeout from request_timeout_ms,
    body_timeout from body_timeout_ms,
    header_timeout from header_timeout_ms,
    write_timeout from write_timeout_ms,
    shutdown_grace from shutdown_grace_ms,
});

durations!(HealthConfig {
    probe_interval from probe_interval_ms,
    probe_timeout from probe_timeout_ms,
});

durations!(StoreConfig {
    max_staleness from max_staleness_ms,
});

durations!(InstanceConfig {
    lease from lease_ms,
});

durations!(TimeoutConfig {
    connect from connect_ms,
    write from write_ms,
    read from read_ms,
    search from search_ms,
});

durations!(TaskRegistryConfig {
    ttl from ttl_ms,
    poll_min from poll_min_ms,
    poll_max from poll_max_ms,
    prune_interval from prune_interval_ms,
});

durations!(SinkConfig {
    batch_delay from batch_delay_ms,
    timeout from timeout_ms,
    retry_min from retry_min_ms,
    retry_max from retry_max_ms,
});

durations!(CanaryConfig {
    timeout from timeout_ms,
});

impl HealthConfig {
    /// Returns the numbers of consecutive outcomes that change the status of a node.
    pub fn thresholds(&self) -> HealthThresholds {
        HealthThresholds { bad_to_fail: self.bad_to_fail, good_to_recover: self.good_to_recover }
    }
}
