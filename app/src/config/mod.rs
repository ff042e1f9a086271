//! The configuration: its settings, how they are read, and why a setting is refused.
//!
//! The sources are one YAML file, an environment variable for every key, and flags. Each source is a
//! [`Layer`]. Each layer is checked against one [`Shape`], which is made of the types of the settings, so
//! that a key is defined in exactly one place: its field. The layers are merged (flag over environment over
//! file over default) and read into a [`Config`], which `rule` checks as a whole.
//!
//! | module | contents |
//! |---|---|
//! | `section` | all settings |
//! | `server`, `cluster`, `node`, `store`, `health`, `task_registry`, `repair` | settings by section |
//! | `canary`, `cdc`, `metrics`, `instance`, `log` | settings by section |
//! | `base_url`, `secret`, `bound` | types and bounds of values |
//! | `derived` | settings as the types that other modules use |
//! | [`schema`], `shape` | the JSON schema, and the form of each key |
//! | [`reference`](mod@reference) | `docs/configuration.md` |
//! | `load` | sources to configuration |
//! | `file`, `environment`, `layer` | sources |
//! | `check`, `rule`, `problem` | checks of one layer, checks of the whole, and the problems that they find |

mod base_url;
mod bound;
mod canary;
mod cdc;
mod check;
mod cluster;
mod derived;
mod environment;
mod file;
mod health;
mod instance;
mod layer;
mod load;
mod log;
mod metrics;
mod node;
mod problem;
pub mod reference;
mod repair;
mod rule;
pub mod schema;
mod secret;
mod section;
mod server;
mod shape;
mod store;
mod task_registry;

pub use base_url::{BaseUrl, InvalidBaseUrl};
pub use canary::{CanaryConfig, CanaryDefinition};
pub use cdc::{CdcConfig, SinkConfig, SinkKind};
pub use cluster::{ClusterConfig, SearchPolicy};
pub use environment::variable_name;
pub use file::{DEFAULT_FILE, MAX_FILE_BYTES};
pub use health::{HealthConfig, TimeoutConfig};
pub use instance::InstanceConfig;
pub use layer::{Layer, Origin};
pub use load::{Loaded, Sources, load};
pub use log::{LogConfig, LogFormat};
pub use metrics::MetricsConfig;
pub use node::{NodeConfig, NodeDefaults};
pub use problem::{ConfigError, Problem};
pub use repair::RepairConfig;
pub use secret::Secret;
pub use section::Config;
pub use server::{AuthConfig, ServerConfig};
pub use shape::{Kind, Shape};
pub use store::{RedisConfig, StoreBackend, StoreConfig, Synchronous};
pub use task_registry::TaskRegistryConfig;
