//! The marker that a node carries.

use std::fmt;
use std::str::FromStr;

use super::{ClusterId, Incarnation};
use crate::NodeId;

/// The index that holds the marker of a node that has no master key. It is part of no cluster, and clients
/// cannot use its name.
pub const MARKER_INDEX: &str = "_miroir_marker";

/// The first word of a marker. The number is that of its format.
const FORMAT: &str = "miroir:1";

/// The identity of the data on a node, as the node carries it. Its text form is
/// `miroir:1 cluster=<id> node=<id> incarnation=<id>`.
///
/// # Examples
///
/// ```
/// use miroir_domain::identity::NodeMarker;
///
/// let text = "miroir:1 cluster=c1 node=node-2 incarnation=i7";
/// let marker: NodeMarker = text.parse().unwrap();
/// assert_eq!(marker.node.as_str(), "node-2");
/// assert_eq!(marker.to_string(), text);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeMarker {
    /// The cluster to which the data belongs.
    pub cluster: ClusterId,
    /// The node of that cluster to which the data belongs.
    pub node: NodeId,
    /// The incarnation of the data.
    pub incarnation: Incarnation,
}

/// A text that is not a marker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is not of the form `{FORMAT} cluster=<id> node=<id> incarnation=<id>`")]
pub struct InvalidMarker;

impl fmt::Display for NodeMarker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cluster, node, incarnation } = self;
        write!(formatter, "{FORMAT} cluster={cluster} node={node} incarnation={incarnation}")
    }
}

impl FromStr for NodeMarker {
    type Err = InvalidMarker;

    fn from_str(text: &str) -> Result<Self, InvalidMarker> {
        let mut words = text.split(' ');
        if words.next() != Some(FORMAT) {
            return Err(InvalidMarker);
        }
        let mut value = |key: &str| words.next()?.strip_prefix(key)?.strip_prefix('=').map(str::to_owned);
        let (cluster, node, incarnation) = (value("cluster"), value("node"), value("incarnation"));
        if words.next().is_some() {
            return Err(InvalidMarker);
        }
        let marker = || {
            Some(Self {
                cluster: cluster?.parse().ok()?,
                node: node?.parse().ok()?,
                incarnation: incarnation?.parse().ok()?,
            })
        };
        marker().ok_or(InvalidMarker)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn marker_reads_back(cluster in "[A-Za-z0-9_-]{1,64}", node in "[A-Za-z0-9_-]{1,64}", of in "[A-Za-z0-9_-]{1,64}") {
            let marker = NodeMarker {
                cluster: cluster.parse().unwrap(),
                node: node.parse().unwrap(),
                incarnation: of.parse().unwrap(),
            };
            prop_assert_eq!(marker.to_string().parse(), Ok(marker));
        }

        #[test]
        fn any_other_text_is_refused(text in ".*") {
            prop_assume!(!text.starts_with(FORMAT));
            prop_assert_eq!(text.parse::<NodeMarker>(), Err(InvalidMarker));
        }
    }

    #[test]
    fn text_that_is_almost_a_marker_is_refused() {
        for text in [
            "",
            "miroir:1",
            "miroir:2 cluster=c node=n incarnation=i",
            "miroir:1 cluster=c node=n",
            "miroir:1 cluster=c node=n incarnation=i more",
            "miroir:1 cluster=c node=n incarnation=i ",
            "miroir:1  cluster=c node=n incarnation=i",
            "miroir:1 node=n cluster=c incarnation=i",
            "miroir:1 cluster= node=n incarnation=i",
            "miroir:1 cluster=c node=ü incarnation=i",
            "miroir:1 cluster=c node=n incarnationi",
        ] {
            assert_eq!(text.parse::<NodeMarker>(), Err(InvalidMarker), "{text}");
        }
    }
}
