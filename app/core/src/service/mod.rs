//! The services: each implements one inbound port. A service loads, lets the domain decide, and acts.
//!
//! A request takes the cluster in use once, resolves its names once, and keeps both to its end.

mod alias;
mod cluster;
mod document;
mod index;
mod job;
mod search;
mod settings;
mod stats;
mod task;

pub use alias::AliasService;
pub use cluster::ClusterService;
pub use document::DocumentService;
pub use index::IndexService;
pub use job::JobService;
pub use search::SearchService;
pub use settings::SettingsService;
pub use task::TaskService;
