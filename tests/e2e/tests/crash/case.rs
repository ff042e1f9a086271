//! The compared records of a run.

use std::collections::BTreeMap;

use miroir_e2e::{Client, Cluster};

use super::evidence::{self, Evidence};
use super::ledger::{Attempt, Ledger};
use super::rounds::Tally;

/// The compared records.
pub struct Case {
    pub attempts: Vec<Attempt>,
    pub evidence: Evidence,
    pub client: Client,
    pub nodes: BTreeMap<String, Client>,
}

impl Case {
    /// Collects the records of a run.
    pub async fn collect(cluster: &mut Cluster, ledger: &Ledger) -> Self {
        Self {
            attempts: ledger.attempts(),
            evidence: Evidence::collect(cluster).await,
            client: cluster.client(),
            nodes: node_clients(cluster),
        }
    }

    /// Describes the run. `found` is the number of lost responses whose node tasks Miroir found.
    pub fn summary(&self, tally: &Tally, ledger: &Ledger, found: usize) -> String {
        let acknowledged = self.attempts.iter().filter(|attempt| attempt.uid.is_some()).count();
        let mut statuses: BTreeMap<String, usize> = BTreeMap::new();
        let mut given_up = 0;
        for task in self.evidence.tasks.values() {
            let status = task["status"].as_str().unwrap_or("none");
            let code = task["error"]["code"].as_str().unwrap_or_default();
            *statuses.entry(format!("{status} {code}").trim().to_owned()).or_default() += 1;
            given_up += evidence::misses(task).filter(|miss| miss.contains("never registered")).count();
        }
        format!(
            "  {} kills of Miroir, {} of nodes; {} writes tried, {acknowledged} acknowledged, {} tasks recorded\n  \
             tasks open after the restarts: {:?}\n  \
             lost responses resolved: {found} found on their node, {given_up} never arrived there\n  \
             statuses: {statuses:?}\n  refusals: {:?}",
            tally.kills,
            tally.node_kills,
            self.attempts.len(),
            self.evidence.tasks.len(),
            tally.open_after_restart,
            ledger.refusals(),
        )
    }
}

fn node_clients(cluster: &mut Cluster) -> BTreeMap<String, Client> {
    cluster
        .nodes()
        .iter()
        .map(|node| (node.id().to_owned(), Client::new(node.url(), None).unwrap()))
        .collect()
}
