//! Counting of what happens.

use std::time::Duration;

use miroir_domain::SinkName;
use miroir_domain::canary::CanaryStatus;

/// A step of the repair of a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RepairStep {
    /// No replica is being repaired.
    Idle,
    /// The index and its settings are given to the node.
    Settings,
    /// Both nodes finish the writes that they accepted.
    CatchUp,
    /// The documents of both nodes are compared.
    Compare,
    /// Documents are copied.
    Copy,
    /// The replica is recorded to be in sync.
    Confirm,
    /// Documents are removed that the node does not keep any more.
    Remove,
}

/// One thing that happened. No text in it comes from a client, so that each can be a label of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Occurrence<'a> {
    /// A request of a client began. It ends as well, even when its client leaves.
    RequestBegan,
    /// A request of a client ended.
    RequestEnded {
        /// The template of its route, never its path; `unmatched` where no route fits.
        route: &'a str,
        /// The method of its route; `other` where no route fits.
        method: &'a str,
        /// The status of its response; 499 if the client left before.
        status: u16,
        /// The time until the response began.
        duration: Duration,
    },
    /// A search of one index was sent to this many nodes.
    SearchFannedOut {
        /// Number of nodes.
        nodes: usize,
    },
    /// A search response is without some shards.
    SearchDegraded,
    /// A canary ran.
    CanaryRan(CanaryStatus),
    /// Aliases were pointed at other indexes.
    AliasesFlipped {
        /// Number of aliases; a swap flips two.
        count: u64,
    },
    /// This instance got the lease of a role, or does not have it.
    LeaseHeld {
        /// Name of the role.
        role: &'a str,
        /// True if it has the lease.
        held: bool,
    },
    /// Live instances were counted on the store, this one included.
    InstancesSeen {
        /// Number of instances.
        count: usize,
    },
    /// A repair held the write order of an index: writes to some of its documents, or to one of its nodes,
    /// waited for this time.
    RepairHeld {
        /// The time.
        duration: Duration,
    },
    /// A repair wrote documents to a node that differed there, or deleted them.
    RepairCopied {
        /// Number of documents.
        documents: u64,
    },
    /// An attempt to repair a replica failed.
    RepairFailed,
    /// A sink confirmed change events.
    ChangesPublished {
        /// The sink.
        sink: &'a SinkName,
        /// Number of events.
        events: usize,
    },
    /// Change events were kept from a sink because of their origin.
    ChangesSuppressed {
        /// The sink.
        sink: &'a SinkName,
        /// Number of events.
        events: usize,
    },
    /// The repair of a replica reached a step.
    RepairReached(RepairStep),
    /// A sink did not take a batch.
    DeliveryFailed {
        /// The sink.
        sink: &'a SinkName,
    },
}

/// A counter of what happens.
///
/// - **OBSERVE-1** It MUST return at once: it is called on the way of requests.
pub trait Observer: Send + Sync + 'static {
    /// Counts `occurrence`.
    fn observe(&self, occurrence: Occurrence<'_>);
}

/// Counts nothing.
impl Observer for () {
    fn observe(&self, _: Occurrence<'_>) {}
}
