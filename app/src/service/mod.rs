//! The services: each implements one inbound port. A service loads, lets the domain decide, and acts.

mod cluster;
mod detached;
mod document;
mod document_read;
mod fan_out;
mod index;
mod index_facts;
mod job;
mod read;
mod search;
mod settings;
mod stats;
mod task;

pub(crate) use detached::detached;
pub(crate) use read::read_first;

pub use cluster::ClusterService;
pub use document::DocumentService;
pub use index::IndexService;
pub use job::JobService;
pub use search::SearchService;
pub use settings::SettingsService;
pub use task::TaskService;
