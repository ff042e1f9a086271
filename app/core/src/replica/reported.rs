//! The stale replicas that the leader reports.
//!
//! Only the leader sees a node miss a write. The other instances ask it several times a second, so that
//! their reads avoid the node as well. A report is kept while there is no leader, and by the next leader
//! until it has recovered the replica states by itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use miroir_domain::replica::ReplicaRow;
use miroir_domain::role::Role;
use miroir_domain::{IndexUid, NodeId, ShardSet};
use miroir_ports::inbound::{InstanceApi, RoleHolder};
use miroir_ports::outbound::{Peers, ReplicaReport, StaleReplica, StoreError, TaskStore};
use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;

use crate::listing;

/// The pause between two requests to the leader.
const PAUSE: Duration = Duration::from_millis(250);

/// The stale replicas that were reported.
#[derive(Debug, Default)]
pub struct ReportedStates(RwLock<BTreeMap<(IndexUid, NodeId), StaleReplica>>);

impl ReportedStates {
    /// Returns whether the replica of `index` on `node` was reported stale.
    pub fn is_stale(&self, index: &IndexUid, node: &NodeId) -> bool {
        let stale = self.0.read();
        !stale.is_empty() && stale.contains_key(&(index.clone(), node.clone()))
    }

    /// Returns the shards among `shards` whose documents on `node` may differ, by the reports.
    pub fn doubtful(&self, index: &IndexUid, node: &NodeId, shards: &ShardSet) -> ShardSet {
        let stale = self.0.read();
        if stale.is_empty() {
            return ShardSet::default();
        }
        let replica = stale.get(&(index.clone(), node.clone()));
        replica.map(|replica| replica.doubtful(shards)).unwrap_or_default()
    }

    /// Adds the stale replicas that the store has.
    pub async fn load(&self, store: &dyn TaskStore) -> Result<(), StoreError> {
        let list = |after, limit| store.replica_list(after, limit);
        let rows = listing::all(list, |row: &ReplicaRow| (row.index.clone(), row.node.clone())).await?;
        self.update(ReplicaReport {
            complete: false,
            results: rows.into_iter().map(StaleReplica::of).collect(),
        });
        Ok(())
    }

    /// Takes a report over: it replaces the earlier ones if it is complete, and adds to them if it is not.
    pub fn update(&self, report: ReplicaReport) {
        let key = |replica: &StaleReplica| (replica.index.clone(), replica.node.clone());
        let reported = report.results.into_iter().map(|replica| (key(&replica), replica));
        let mut stale = self.0.write();
        if report.complete {
            stale.clear();
        }
        stale.extend(reported);
    }
}

/// Requests the stale replicas from the leader until `shutdown`. `has_recovered` returns whether this
/// instance knows the replica states by itself, which counts while it is the leader.
pub async fn reported_state_loop(
    states: Arc<ReportedStates>,
    instances: Arc<dyn InstanceApi>,
    peers: Arc<dyn Peers>,
    has_recovered: Arc<dyn Fn() -> bool + Send + Sync>,
    shutdown: CancellationToken,
) {
    let mut is_failing = false;
    loop {
        let report = match instances.role_holder(&Role::Writes) {
            // The leader has the states themselves.
            RoleHolder::Local => Ok(ReplicaReport { complete: has_recovered(), results: Vec::new() }),
            RoleHolder::Remote(peer) => peers.peer_replicas(&peer.url).await,
            RoleHolder::Vacant | RoleHolder::Unknown => Ok(ReplicaReport::default()),
        };
        match report {
            Ok(report) => {
                is_failing = false;
                states.update(report);
            }
            Err(error) => {
                if !std::mem::replace(&mut is_failing, true) {
                    tracing::warn!(
                        "cannot read the replica states of the leader; reads may use stale replicas: {}",
                        miroir_ports::error_chain(&error)
                    );
                }
            }
        }
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn update_replaces_by_a_complete_report_and_adds_by_an_incomplete_one() {
        let states = ReportedStates::default();
        let report = |complete, nodes: &[&str]| {
            // As an older instance reports it.
            let stale = |node: &&str| serde_json::json!({"index": "films", "node": node});
            let stale = nodes.iter().map(stale).collect::<Vec<_>>();
            let report = serde_json::json!({"complete": complete, "results": stale});
            serde_json::from_value::<ReplicaReport>(report).unwrap()
        };
        let is_stale = |node: &str| states.is_stale(&"films".parse().unwrap(), &node.parse().unwrap());
        states.update(report(true, &["a"]));
        states.update(report(false, &["b"]));
        assert!(is_stale("a") && is_stale("b") && !is_stale("c"));
        let doubtful = |node: &str| {
            states.doubtful(&"films".parse().unwrap(), &node.parse().unwrap(), &ShardSet::all(2))
        };
        assert_eq!((doubtful("a"), doubtful("c")), (ShardSet::all(2), ShardSet::default()));
        states.update(report(true, &["c"]));
        assert!(!is_stale("a") && !is_stale("b") && is_stale("c"));
        states.update(report(true, &[]));
        assert!(!is_stale("c"));
    }
}
