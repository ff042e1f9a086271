//! The use cases: one trait per family, implemented by the services of the app.

mod alias;
mod canary;
mod change;
mod cluster;
mod document;
mod error;
mod gauge;
mod index;
mod instance;
mod job;
mod metrics;
mod response;
mod search;
mod settings;
mod staleness;
mod task;

pub use alias::*;
pub use canary::*;
pub use change::*;
pub use cluster::*;
pub use document::*;
pub use error::*;
pub use gauge::*;
pub use index::*;
pub use instance::*;
pub use job::*;
pub use metrics::*;
pub use response::*;
pub use search::*;
pub use settings::*;
pub use staleness::*;
pub use task::*;
