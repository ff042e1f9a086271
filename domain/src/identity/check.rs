//! The verdict on a node after a check of its data.

use std::fmt;

use super::{ClusterId, Incarnation, NodeMarker, NodeRow, SeenTask};
use crate::NodeId;

/// The facts that a check of a node found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeFacts {
    /// The version of the server, such as `1.50.0`.
    pub version: String,
    /// The text in the place of the marker, if there is one.
    pub marker: Option<String>,
    /// True if an index of the node has documents. It is determined only without a marker.
    pub has_documents: bool,
    /// The newest task of the node, if it has any.
    pub newest_task: Option<SeenTask>,
    /// The task that has the uid of the remembered one, if the node has it.
    pub remembered_task: Option<SeenTask>,
}

/// The versions of Meilisearch that Miroir is tested with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SupportedVersions {
    /// The first supported version, as major and minor number.
    pub from: (u64, u64),
    /// The first version after it that is not supported.
    pub before: (u64, u64),
}

impl SupportedVersions {
    /// The range of this Miroir.
    pub const THIS: Self = Self { from: (1, 50), before: (2, 0) };

    /// Returns whether a version is in the range. A text that is no version is not.
    pub fn contain(self, version: &str) -> bool {
        let mut numbers = version.split(['.', '-', '+']).map(|number| number.parse::<u64>().ok());
        let (Some(Some(major)), Some(Some(minor))) = (numbers.next(), numbers.next()) else { return false };
        (self.from..self.before).contains(&(major, minor))
    }
}

impl fmt::Display for SupportedVersions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, before } = self;
        write!(formatter, "from {}.{} to before {}.{}", from.0, from.1, before.0, before.1)
    }
}

/// The verdict on a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Its data is that which the store knows.
    Trusted,
    /// Its data is right, and gets the marker that it does not have yet, or whose incarnation the store does
    /// not know yet.
    Unmarked(Option<Incarnation>),
    /// It has no data: it lacks everything, and gets a new incarnation.
    Emptied,
    /// Its data is of an earlier time: everything on it is suspect, and it gets a new incarnation.
    RolledBack,
    /// It must not be used.
    Refused(Refusal),
}

/// The reason why a node must not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Its data belongs to another cluster.
    #[error(
        "it has the data of node `{}` of another cluster ({}): correct its `url`, or delete the marker on it if this \
         cluster may take it over", .0.node, .0.cluster
    )]
    OtherCluster(NodeMarker),
    /// Its data belongs to another node of this cluster.
    #[error(
        "it has the data of node `{0}`: correct the `url` of both nodes, or exchange their data folders back"
    )]
    OtherNode(NodeId),
    /// The text in the place of the marker is not one.
    #[error("its marker was changed to `{0}`: restore its data, or delete the marker to start it anew")]
    InvalidMarker(String),
    /// The version of the server is not supported.
    #[error("it runs Meilisearch {0}, which is not supported: use a version {range}", range = SupportedVersions::THIS)]
    Version(String),
    /// It has documents, and nothing says of which cluster.
    #[error(
        "it has documents and no marker, so it is not known where they come from: take them over with \
         `miroir node adopt {0}`, or delete them with `miroir node reset {0}`"
    )]
    UnknownData(NodeId),
}

/// Returns the verdict on `node` of `cluster` after a check. `row` is its row in the store, if it has one.
pub fn judge(node: &NodeId, cluster: &ClusterId, row: Option<&NodeRow>, facts: &NodeFacts) -> Verdict {
    let marker = match facts.marker.as_deref().map(str::parse::<NodeMarker>) {
        Some(Err(_)) => {
            return Verdict::Refused(Refusal::InvalidMarker(facts.marker.clone().unwrap_or_default()));
        }
        Some(Ok(marker)) => Some(marker),
        None => None,
    };
    if let Some(refusal) = refusal(node, cluster, marker.as_ref(), facts) {
        return Verdict::Refused(refusal);
    }
    let known = row.and_then(|row| row.incarnation.as_ref());
    match (marker, known) {
        (None, None) if row.is_some() => Verdict::Unmarked(None),
        (None, _) if !facts.has_documents => Verdict::Emptied,
        (None, _) => Verdict::Refused(Refusal::UnknownData(node.clone())),
        (Some(marker), None) if row.is_some() => Verdict::Unmarked(Some(marker.incarnation)),
        (Some(marker), Some(known)) if marker.incarnation == *known && has_remembered(row, facts) => {
            Verdict::Trusted
        }
        (Some(_), _) => Verdict::RolledBack,
    }
}

/// Returns the reason to refuse a node that stands in its marker or its version.
fn refusal(
    node: &NodeId,
    cluster: &ClusterId,
    marker: Option<&NodeMarker>,
    facts: &NodeFacts,
) -> Option<Refusal> {
    if let Some(marker) = marker {
        if marker.cluster != *cluster {
            return Some(Refusal::OtherCluster(marker.clone()));
        }
        if marker.node != *node {
            return Some(Refusal::OtherNode(marker.node.clone()));
        }
    }
    (!SupportedVersions::THIS.contain(&facts.version)).then(|| Refusal::Version(facts.version.clone()))
}

/// Returns whether the node still has the newest task that was seen of it, with its time.
fn has_remembered(row: Option<&NodeRow>, facts: &NodeFacts) -> bool {
    let remembered = row.and_then(|row| row.newest_task.as_ref());
    remembered.is_none() || remembered == facts.remembered_task.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    fn node() -> NodeId {
        "node-1".parse().unwrap()
    }

    fn cluster() -> ClusterId {
        "c1".parse().unwrap()
    }

    fn marker(cluster: &str, node: &str, incarnation: &str) -> String {
        format!("miroir:1 cluster={cluster} node={node} incarnation={incarnation}")
    }

    fn seen(uid: u32, at: &str) -> SeenTask {
        SeenTask { uid, enqueued_at: at.to_owned() }
    }

    fn row(incarnation: Option<&str>, newest_task: Option<SeenTask>) -> NodeRow {
        let incarnation = incarnation.map(|text| text.parse().unwrap());
        NodeRow { node: node(), incarnation, newest_task, updated_at: Timestamp::from_millis(0) }
    }

    fn facts(marker: Option<String>) -> NodeFacts {
        NodeFacts {
            version: "1.50.0".to_owned(),
            marker,
            has_documents: false,
            newest_task: None,
            remembered_task: None,
        }
    }

    fn verdict(row: Option<&NodeRow>, facts: &NodeFacts) -> Verdict {
        judge(&node(), &cluster(), row, facts)
    }

    #[test]
    fn node_with_the_known_incarnation_is_trusted() {
        let row = row(Some("i1"), None);
        assert_eq!(verdict(Some(&row), &facts(Some(marker("c1", "node-1", "i1")))), Verdict::Trusted);
    }

    #[test]
    fn foreign_marker_comes_before_everything_else() {
        let old = NodeFacts { version: "0.30.0".to_owned(), ..facts(Some(marker("c2", "node-1", "i1"))) };
        for row in [None, Some(row(None, None)), Some(row(Some("i1"), None))] {
            let Verdict::Refused(Refusal::OtherCluster(found)) = verdict(row.as_ref(), &old) else {
                panic!()
            };
            assert_eq!(found.cluster.as_str(), "c2");
            let other = facts(Some(marker("c1", "node-2", "i1")));
            let expected = Verdict::Refused(Refusal::OtherNode("node-2".parse().unwrap()));
            assert_eq!(verdict(row.as_ref(), &other), expected);
        }
    }

    #[test]
    fn changed_marker_is_refused() {
        let changed = facts(Some("my key".to_owned()));
        let expected = Verdict::Refused(Refusal::InvalidMarker("my key".to_owned()));
        assert_eq!(verdict(Some(&row(Some("i1"), None)), &changed), expected);
    }

    #[test]
    fn unsupported_version_is_refused_with_the_range() {
        for version in ["1.49.3", "0.50.0", "2.0.0", "2.50.1", "unknown", "", "1"] {
            let facts = NodeFacts { version: version.to_owned(), ..facts(None) };
            let Verdict::Refused(refusal) = verdict(None, &facts) else { panic!("{version}") };
            assert_eq!(refusal, Refusal::Version(version.to_owned()));
            assert!(refusal.to_string().contains("from 1.50 to before 2.0"), "{refusal}");
        }
        for version in ["1.50.0", "1.50.7", "1.51.0-rc.1", "1.99.9+build"] {
            let facts = NodeFacts { version: version.to_owned(), ..facts(None) };
            assert_eq!(verdict(None, &facts), Verdict::Emptied, "{version}");
        }
    }

    #[test]
    fn node_of_an_older_miroir_is_marked_whatever_it_has() {
        let row = row(None, None);
        for has_documents in [false, true] {
            let facts = NodeFacts { has_documents, ..facts(None) };
            assert_eq!(verdict(Some(&row), &facts), Verdict::Unmarked(None));
        }
        // The marker was written, and its incarnation was not stored before a crash.
        let expected = Verdict::Unmarked(Some("i9".parse().unwrap()));
        assert_eq!(verdict(Some(&row), &facts(Some(marker("c1", "node-1", "i9")))), expected);
    }

    #[test]
    fn node_without_marker_is_emptied_or_refused_by_its_documents() {
        for row in [None, Some(row(Some("i1"), None)), Some(row(Some("i1"), Some(seen(4, "t"))))] {
            assert_eq!(verdict(row.as_ref(), &facts(None)), Verdict::Emptied);
            let full = NodeFacts { has_documents: true, ..facts(None) };
            assert_eq!(verdict(row.as_ref(), &full), Verdict::Refused(Refusal::UnknownData(node())));
        }
    }

    #[test]
    fn other_incarnation_is_rolled_back() {
        for row in [None, Some(row(Some("i2"), None))] {
            assert_eq!(
                verdict(row.as_ref(), &facts(Some(marker("c1", "node-1", "i1")))),
                Verdict::RolledBack
            );
        }
    }

    #[test]
    fn node_without_the_remembered_task_is_rolled_back() {
        let row = row(Some("i1"), Some(seen(7, "2030-01-01T00:00:00.1Z")));
        let found =
            |remembered_task| NodeFacts { remembered_task, ..facts(Some(marker("c1", "node-1", "i1"))) };
        assert_eq!(verdict(Some(&row), &found(None)), Verdict::RolledBack);
        let other_time = found(Some(seen(7, "2030-01-01T00:00:00.2Z")));
        assert_eq!(verdict(Some(&row), &other_time), Verdict::RolledBack);
        let same = found(Some(seen(7, "2030-01-01T00:00:00.1Z")));
        assert_eq!(verdict(Some(&row), &same), Verdict::Trusted);
    }
}
