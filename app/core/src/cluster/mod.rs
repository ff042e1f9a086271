//! The cluster that requests work on, divided into the parts that its users take.

mod active;
mod parts;

pub use active::{Activation, ActiveCluster};
pub use parts::{Cluster, ClusterParts, SearchPolicy};
