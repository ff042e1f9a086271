//! Takes in nodes that are new, empty or rolled back.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use miroir_domain::NodeId;
use miroir_domain::identity::{
    ClusterId, Incarnation, NodeMarker, NodeRow, SeenTask, Verdict, suspect_everything,
};
use miroir_domain::index::IndexEntry;
use miroir_domain::placement::Placement;
use miroir_domain::replica::{Difference, ReplicaMark};
use miroir_ports::error_chain;
use miroir_ports::outbound::{Ids, NodeError, StoreError};
use tokio_util::sync::CancellationToken;

use super::source::sourceless;
use crate::cluster::Cluster;
use crate::identity::NodeChecker;
use crate::restored::{Examined, examine};

/// The pause between two rounds.
const PAUSE: Duration = Duration::from_millis(250);

/// The maximum time of one call that marks a node or reads its indexes. A marker without a master key waits
/// in the node's queue of tasks.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The reason of the marks of an emptied node.
const EMPTIED: &str = "the node was emptied";

/// The reason of the marks of a node that was rolled back, or whose data is of unknown origin.
const ROLLED_BACK: &str = "the data of the node is of an earlier time";

/// The reason for which a node was not taken in.
#[derive(Debug, thiserror::Error)]
pub(super) enum AdmissionError {
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes in nodes in the leader's term until `shutdown`, and examines those that are not `examined` yet.
pub async fn admission_loop(
    cluster: Arc<Cluster>,
    checker: Arc<NodeChecker>,
    ids: Arc<dyn Ids>,
    examined: Examined,
    shutdown: CancellationToken,
) {
    let work = async {
        loop {
            // Before nodes are taken in: the indexes of a rolled-back one are not those to delete then.
            if let Err(error) = examine(&cluster, &checker, &examined).await {
                tracing::warn!("cannot compare the task store with the nodes: {}", error_chain(&error));
            }
            admit_all(&cluster, &checker, ids.as_ref()).await;
            tokio::time::sleep(PAUSE).await;
        }
    };
    // Every step can be repeated, so it may be cut off anywhere.
    tokio::select! {
        biased;
        () = shutdown.cancelled() => {}
        () = work => {}
    }
}

/// Takes in every node that responded to its last check and waits for it.
pub async fn admit_all(cluster: &Cluster, checker: &NodeChecker, ids: &dyn Ids) {
    let Some(admission) = Admission::new(cluster, checker, ids) else { return };
    let admit = async |node: &NodeId| {
        if let Err(error) = admission.admit(node).await {
            tracing::warn!(%node, "cannot take in a node, trying again: {}", error_chain(&error));
        }
    };
    join_all(checker.nodes().map(admit)).await;
}

/// The means by which nodes are taken in, once the identity of the cluster is known.
pub(super) struct Admission<'a> {
    cluster: &'a Cluster,
    checker: &'a NodeChecker,
    ids: &'a dyn Ids,
    id: ClusterId,
}

impl<'a> Admission<'a> {
    /// Returns `None` while the identity of the cluster is not known.
    pub(super) fn new(cluster: &'a Cluster, checker: &'a NodeChecker, ids: &'a dyn Ids) -> Option<Self> {
        Some(Self { cluster, checker, ids, id: checker.identity().cluster()?.id })
    }

    async fn admit(&self, node: &NodeId) -> Result<(), AdmissionError> {
        let Some(finding) = self.checker.judged(node).await else { return Ok(()) };
        match finding.verdict {
            None | Some(Verdict::Refused(_)) => Ok(()),
            Some(Verdict::Trusted) => self.remember(node, finding.facts.newest_task).await,
            Some(Verdict::Unmarked(incarnation)) => self.mark_known(node, incarnation).await,
            Some(Verdict::Emptied) => {
                let marks = self.suspect(node, &self.cluster.registry.all().await?, EMPTIED);
                self.mark_suspect(node, &marks).await
            }
            Some(Verdict::RolledBack) => {
                let marks = self.suspect(node, &self.cluster.registry.all().await?, ROLLED_BACK);
                self.mark_suspect(node, &marks).await
            }
        }
    }

    /// Takes over a node whose data is of unknown origin. It is suspect where another node is in sync, and
    /// taken for right elsewhere.
    pub(super) async fn take_over(&self, node: &NodeId) -> Result<(), AdmissionError> {
        let entries = self.cluster.registry.all().await?;
        let mut marks = self.suspect(node, &entries, ROLLED_BACK);
        for (mark, entry) in marks.iter_mut().zip(&entries) {
            let shards = &mut mark.difference.shards;
            *shards = shards.difference(&sourceless(self.cluster, entry, node));
        }
        self.mark_suspect(node, &marks).await
    }

    /// Returns a mark for each of `entries`, by which everything that the node keeps of it is suspect.
    fn suspect(&self, node: &NodeId, entries: &[IndexEntry], reason: &str) -> Vec<ReplicaMark> {
        let placements: Vec<Arc<Placement>> =
            entries.iter().map(|entry| self.cluster.placements.of(entry.shard_count)).collect();
        let indexes = entries.iter().map(|entry| &entry.physical_uid).zip(placements.iter().map(Arc::as_ref));
        suspect_everything(node, indexes, reason, self.cluster.clock.now())
    }

    /// Returns a mark for each index that the node has and the registry does not: it may have some again that
    /// were deleted.
    async fn deleted_indexes(&self, node: &NodeId) -> Result<Vec<ReplicaMark>, AdmissionError> {
        let entries = self.cluster.registry.all().await?;
        let indexes = self.checker.inspector().node_indexes(node, TIMEOUT).await?;
        let unknown =
            indexes.iter().filter(|index| entries.iter().all(|entry| entry.physical_uid != **index));
        let replicas = &self.cluster.replicas;
        let mark = |index| replicas.new_mark(index, node, Difference::of_index(), None, ROLLED_BACK);
        Ok(unknown.map(mark).collect())
    }

    /// Writes the marker of a node of an older Miroir, or stores the incarnation that it has already.
    async fn mark_known(&self, node: &NodeId, found: Option<Incarnation>) -> Result<(), AdmissionError> {
        let incarnation = if let Some(found) = found {
            found
        } else {
            // Before the row: with a row and without a marker it would be refused.
            let incarnation = self.new_incarnation();
            self.write_marker(node, &incarnation).await?;
            incarnation
        };
        let row = self.put_row(node, incarnation).await?;
        self.trust(node, row).await;
        Ok(())
    }

    /// Takes in a node whose data differs by `marks`, with a new incarnation.
    async fn mark_suspect(&self, node: &NodeId, marks: &[ReplicaMark]) -> Result<(), AdmissionError> {
        if let Some(first) = marks.first() {
            tracing::warn!(%node, indexes = marks.len(), "{}: repairing it", first.reason);
        }
        // The marks are stored first and the marker is written last. So the node is not trusted, by any
        // instance, before everything that differs on it is on record.
        self.cluster.replicas.mark(marks).await?;
        let incarnation = self.new_incarnation();
        let row = self.put_row(node, incarnation.clone()).await?;
        // Just before the marker: the node may have got other data since it was judged.
        self.cluster.replicas.mark(&self.deleted_indexes(node).await?).await?;
        self.write_marker(node, &incarnation).await?;
        self.checker.health().forget_acknowledged(node);
        self.trust(node, row).await;
        tracing::info!(%node, "took in a node");
        Ok(())
    }

    #[expect(clippy::expect_used, reason = "unique ids have the alphabet and the length of names")]
    fn new_incarnation(&self) -> Incarnation {
        self.ids.unique_id().parse().expect("a unique id is a valid incarnation")
    }

    async fn write_marker(&self, node: &NodeId, incarnation: &Incarnation) -> Result<(), NodeError> {
        let (cluster, incarnation) = (self.id.clone(), incarnation.clone());
        let marker = NodeMarker { cluster, node: node.clone(), incarnation };
        self.checker.inspector().node_mark(node, &marker, TIMEOUT).await
    }

    async fn put_row(&self, node: &NodeId, incarnation: Incarnation) -> Result<NodeRow, StoreError> {
        let row = NodeRow {
            node: node.clone(),
            incarnation: Some(incarnation),
            newest_task: None,
            updated_at: self.cluster.clock.now(),
        };
        self.cluster.store.node_put(&row).await?;
        Ok(row)
    }

    /// Notes a row that was stored, and checks the node again. The outcome is in the health of the node.
    async fn trust(&self, node: &NodeId, row: NodeRow) {
        self.checker.identity().note_node(row);
        let _ = self.checker.check(node).await;
    }

    /// Stores the newest task of a node, by which a later check knows that the node was not rolled back.
    async fn remember(&self, node: &NodeId, newest: Option<SeenTask>) -> Result<(), AdmissionError> {
        let identity = self.checker.identity();
        let (Some(newest), Some(row)) = (newest, identity.node(node)) else { return Ok(()) };
        if row.newest_task.as_ref().is_some_and(|known| newest.uid <= known.uid) {
            return Ok(());
        }
        let row = NodeRow { newest_task: Some(newest), updated_at: self.cluster.clock.now(), ..row };
        self.cluster.store.node_put(&row).await?;
        identity.note_node(row);
        Ok(())
    }
}
