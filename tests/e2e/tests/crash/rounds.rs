//! The rounds: each kills Miroir, and some kill a node.

use std::collections::BTreeMap;
use std::time::Duration;

use miroir_e2e::Cluster;
use tokio::time::sleep;

use super::ledger::Ledger;
use miroir_e2e::Random;

/// Events and observations of the rounds.
#[derive(Debug, Default)]
pub struct Tally {
    pub kills: u32,
    pub node_kills: u32,
    /// Number of unfinished tasks after each restart of Miroir.
    pub open_after_restart: Vec<u64>,
    /// Number of document writes by node and marker, for nodes that remember their requests.
    pub sent: BTreeMap<(String, String), u32>,
}

/// Runs the rounds. Afterwards all nodes and Miroir are up.
pub async fn run(cluster: &mut Cluster, ledger: &Ledger, random: &mut Random, rounds: u32) -> Tally {
    let mut tally = Tally::default();
    let mut down: Option<usize> = None;
    for _ in 0..rounds {
        // Some lives are long enough for Miroir to give up lost responses, most are not.
        let length = if random.chance(10) { random.millis(2_500, 3_500) } else { random.millis(300, 1_500) };
        let before = Duration::from_millis(random.below(u64::try_from(length.as_millis()).unwrap()));
        sleep(before).await;
        down = node_event(cluster, random, down, &mut tally).await;
        sleep(length.saturating_sub(before)).await;
        cluster.miroir().kill().await.unwrap();
        tally.kills += 1;
        tally.remember_requests(cluster);
        ledger.next_life();
        sleep(random.millis(0, 150)).await;
        cluster.miroir().start().await.unwrap();
        tally.open_after_restart.push(open_tasks(cluster).await);
    }
    if let Some(position) = down {
        cluster.node(position).restart().await.unwrap();
    }
    sleep(random.millis(300, 1_500)).await;
    tally
}

/// Restarts the node that is down, or kills one, or does nothing.
async fn node_event(
    cluster: &mut Cluster,
    random: &mut Random,
    down: Option<usize>,
    tally: &mut Tally,
) -> Option<usize> {
    match down {
        Some(position) => {
            cluster.node(position).restart().await.unwrap();
            None
        }
        None if random.chance(35) => {
            let count = cluster.nodes().len() as u64;
            let position = usize::try_from(random.below(count)).unwrap();
            cluster.node(position).kill().await.unwrap();
            tally.node_kills += 1;
            Some(position)
        }
        None => None,
    }
}

async fn open_tasks(cluster: &mut Cluster) -> u64 {
    let response = cluster.client().get("/tasks?statuses=enqueued,processing&limit=1").await.unwrap();
    response.expect(200).unwrap()["total"].as_u64().unwrap()
}

impl Tally {
    /// Counts the requests of the nodes since the last call. Nodes remember a bounded number of requests.
    pub fn remember_requests(&mut self, cluster: &mut Cluster) {
        for node in cluster.nodes() {
            // Real nodes remember tasks only.
            let Ok(simulated) = node.simulated() else { return };
            let control = simulated.control();
            let requests = control.requests();
            control.clear_requests();
            for request in requests {
                let marker = request.query.split('&').find_map(|pair| pair.strip_prefix("customMetadata="));
                if let Some(marker) = marker {
                    let key = (node.id().to_owned(), marker.replace("%3A", ":"));
                    *self.sent.entry(key).or_default() += 1;
                }
            }
        }
    }
}
