//! The identity of the cluster and of the data on each node.
//!
//! The store knows the cluster by an id, and the data of each node by an incarnation. Each node carries both
//! in a marker. [`judge`] compares them with what a check of the node found, so that the data of another
//! cluster, of another node, of an earlier time, or none at all is noticed before the node is used.

mod check;
mod marker;
mod row;
mod suspicion;
mod topology;

pub use crate::id::{ClusterId, Incarnation};
pub use check::{NodeFacts, Refusal, SupportedVersions, Verdict, judge};
pub use marker::{InvalidMarker, MARKER_INDEX, NodeMarker};
pub use row::{ClusterRow, NodeRow, OwnTopology, SeenTask};
pub use suspicion::{shards_without_source, suspect_everything};
pub use topology::{AcceptedNode, AcceptedTopology, PlacementChange, TopologyChange};
