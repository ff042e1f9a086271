//! What a person can set, how it is read, and why a setting is refused.
//!
//! One YAML file, an environment variable for every key, a few flags. Each of these is a [`Layer`]; every layer is
//! held against one [`Shape`] tree, which comes from the types in `section`, so that a key exists in exactly one
//! place: its field. The layers that hold are merged (flag over environment over file over default), read into a
//! [`Config`], and judged as a whole by `rule`.

mod base_url;
mod canary;
mod cdc;
mod check;
mod derived;
mod environment;
mod file;
mod layer;
mod load;
mod metrics;
mod problem;
pub mod reference;
mod rule;
mod secret;
mod section;
mod shape;

pub use base_url::{BaseUrl, InvalidBaseUrl};
pub use canary::CanaryDefinition;
pub use cdc::{CdcConfig, SinkConfig, SinkKind};
pub use environment::variable_name;
pub use file::{DEFAULT_FILE, MAX_FILE_BYTES};
pub use layer::{Layer, Origin};
pub use load::{Loaded, Sources, load};
pub use metrics::MetricsConfig;
pub use problem::{ConfigError, Problem};
pub use secret::Secret;
pub use section::{
    AuthConfig, CanaryConfig, ClusterConfig, Config, HealthConfig, InstanceConfig, LogConfig, LogFormat,
    NodeConfig, NodeDefaults, RedisConfig, SearchPolicy, ServerConfig, StoreBackend, StoreConfig,
    Synchronous, TaskRegistryConfig, TimeoutConfig,
};
pub use shape::{Kind, Shape};
