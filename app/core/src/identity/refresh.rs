//! Follows the store.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use miroir_domain::identity::NodeRow;
use miroir_ports::error_chain;
use miroir_ports::outbound::{StoreError, TaskStore};
use tokio_util::sync::CancellationToken;

use super::checker::NodeChecker;
use super::establish::has_data;
use super::known::{KnownIdentity, StoreIdentity};
use crate::replica::ReportedStates;

/// The pause between two readings of the store.
const PAUSE: Duration = Duration::from_millis(500);

/// The pause while the store has no identity yet: the leader is about to make one.
const UNKNOWN_PAUSE: Duration = Duration::from_millis(50);

/// Reads the identity in the store into `identity`, and into `reported` the replica states of nodes that got
/// a new incarnation: they must be known before the node is trusted. `store` is not guarded. Returns whether
/// something changed by which nodes are judged.
pub async fn refresh(
    store: &dyn TaskStore,
    identity: &KnownIdentity,
    reported: &ReportedStates,
) -> Result<bool, StoreError> {
    let noted = identity.noted();
    // The nodes first: a store that is emptied in between is then lost.
    let nodes = store.node_list().await?;
    let found = store.cluster_get().await?;
    let next = match (identity.store(), found) {
        (StoreIdentity::Known(before), Some(row)) if before.id == row.id => StoreIdentity::Known(row),
        (StoreIdentity::Known(before), _) => {
            tracing::error!(cluster = %before.id, "the task store is not that of the cluster any more");
            StoreIdentity::Lost { cluster: before.id }
        }
        (StoreIdentity::Lost { cluster }, Some(row)) if row.id == cluster => {
            tracing::info!(%cluster, "the task store is that of the cluster again");
            StoreIdentity::Known(row)
        }
        (lost @ StoreIdentity::Lost { .. }, _) => lost,
        (StoreIdentity::Unknown | StoreIdentity::Older, Some(row)) => StoreIdentity::Known(row),
        (StoreIdentity::Unknown | StoreIdentity::Older, None) if has_data(store).await? => {
            StoreIdentity::Older
        }
        (StoreIdentity::Unknown | StoreIdentity::Older, None) => StoreIdentity::Unknown,
    };
    if matches!(next, StoreIdentity::Lost { .. }) {
        let changed = identity.store() != next;
        identity.replace(next, identity.nodes());
        return Ok(changed);
    }
    let has_new = nodes.iter().any(|row| is_new(identity, row));
    if has_new {
        reported.load(store).await?;
    }
    let changed = has_new || identity.store() != next;
    if identity.noted() == noted {
        identity.replace(next, nodes);
    }
    Ok(changed)
}

fn is_new(identity: &KnownIdentity, row: &NodeRow) -> bool {
    identity.node(&row.node).and_then(|known| known.incarnation) != row.incarnation
}

/// Refreshes the identity that `checker` compares nodes with until `shutdown`, and checks all nodes again
/// after each change.
pub async fn refresh_loop(
    store: Arc<dyn TaskStore>,
    checker: Arc<NodeChecker>,
    reported: Arc<ReportedStates>,
    shutdown: CancellationToken,
) {
    let work = async {
        loop {
            let identity = checker.identity();
            let pause = if identity.store() == StoreIdentity::Unknown { UNKNOWN_PAUSE } else { PAUSE };
            tokio::time::sleep(pause).await;
            match refresh(store.as_ref(), identity, &reported).await {
                Ok(true) => drop(join_all(checker.nodes().map(|node| checker.check(node))).await),
                Ok(false) => {}
                Err(error) => {
                    tracing::debug!("cannot read the identity of the cluster: {}", error_chain(&error));
                }
            }
        }
    };
    tokio::select! {
        biased;
        () = shutdown.cancelled() => {}
        () = work => {}
    }
}
