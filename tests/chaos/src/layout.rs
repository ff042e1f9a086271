//! The nodes that Miroir is configured with.

use std::collections::BTreeSet;

use miroir_e2e::Node;
use serde_json::{Value, json};

/// One configured node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The position of the node whose name it has.
    pub name: usize,
    /// The position of the node whose URL it has: another one once it has moved.
    pub server: usize,
    /// The replica group.
    pub group: u32,
}

impl Place {
    /// Returns the place of a node that has not moved.
    pub fn of(node: usize, group: u32) -> Self {
        Self { name: node, server: node, group }
    }
}

/// The configured nodes, and the copies that a group keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The nodes.
    pub places: Vec<Place>,
    /// The copies of each shard in one group.
    pub replication_factor: u32,
}

impl Layout {
    /// Returns the first nodes, which are assigned to so many groups in turn, with two copies in each.
    pub fn of(nodes: usize, groups: u32) -> Self {
        let places = (0..nodes).zip((0..groups).cycle()).map(|(node, group)| Place::of(node, group));
        Self { places: places.collect(), replication_factor: 2 }
    }

    /// Returns the number of replica groups.
    pub fn groups(&self) -> usize {
        self.places.iter().map(|place| place.group).collect::<BTreeSet<u32>>().len()
    }

    /// Returns the copies of every document.
    pub fn copies(&self) -> usize {
        self.groups() * self.replication_factor as usize
    }

    /// Returns the configuration of Miroir.
    pub fn configuration(&self, nodes: &[Node]) -> Value {
        let entry = |place: &Place| {
            let (name, server) = (nodes[place.name].id(), nodes[place.server].url());
            json!({ "id": name, "url": server, "group": place.group })
        };
        let entries: Vec<Value> = self.places.iter().map(entry).collect();
        json!({ "nodes": entries, "cluster": { "replication_factor": self.replication_factor } })
    }
}
