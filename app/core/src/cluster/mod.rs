//! The cluster that serves requests, and its parts.

mod active;
mod parts;

pub use active::{Activation, ActiveCluster};
pub use parts::{Cluster, ClusterParts, RepairOptions, SearchPolicy};
