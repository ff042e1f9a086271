//! Miroir is killed at random moments under load; then records are compared.
//!
//! ```text
//! writers -> ledger: requests and acknowledgements
//! rounds  -> kills and restarts of Miroir, and sometimes of a node
//! evidence: the tasks of Miroir and of the nodes
//! check:    the ledger and the evidence agree
//! ```

mod check_document;
mod check_passing;
mod check_setting;
mod check_task;
mod check_traffic;
mod evidence;
mod ledger;
mod outcome;
mod rounds;
mod writer;

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use miroir_e2e::{Client, Cluster, ClusterBuilder};
use serde_json::json;
use tokio::time::{Instant, sleep};

use evidence::{Evidence, until_no_task_is_open};
use ledger::{Attempt, Ledger};
use miroir_e2e::Random;
use rounds::Tally;
use writer::{LASTING, Writers};

/// Timeout for nodes to become equal again after the last crash.
const MENDING: Duration = Duration::from_secs(40);
/// Environment variable for the number of kills.
const ROUNDS: &str = "MIROIR_CRASH_ROUNDS";
/// Environment variable for the seed of an earlier run.
const SEED: &str = "MIROIR_CRASH_SEED";

/// Kills Miroir `rounds` times in front of the nodes of `cluster`, while each writer pauses between its
/// requests for a number of milliseconds in `pause`.
///
/// # Panics
///
/// Panics if anything is lost or untrue; the message begins with the seed.
pub async fn survive(name: &str, cluster: ClusterBuilder, rounds: u32, pause: Range<u64>) {
    let rounds = number_from(ROUNDS).map_or(rounds, |rounds| u32::try_from(rounds).unwrap());
    let seed = number_from(SEED).unwrap_or_else(Random::any_seed);
    let mut random = Random::new(seed);
    let cluster = cluster.configuration(json!({ "cluster": { "write_quorum": 1 } }));
    let mut cluster = cluster.start().await.unwrap();
    let client = cluster.client();
    for index in LASTING {
        let body = json!({ "uid": index, "primaryKey": "id" });
        let task = client.write("POST", "/indexes", body).await.unwrap();
        assert_eq!(task["status"], "succeeded", "{task}");
    }
    let ledger = Ledger::default();
    let writers = Writers::start(&client, &ledger, &mut random, &pause);
    let tally = rounds::run(&mut cluster, &ledger, &mut random, rounds).await;
    writers.stop().await;
    until_no_task_is_open(&client).await;

    let case = Case {
        attempts: ledger.attempts(),
        evidence: Evidence::collect(&mut cluster).await,
        client,
        nodes: node_clients(&mut cluster),
    };
    let found = cluster.miroir().process().log().matches("found the node task of a lost answer").count();
    eprintln!("{name}, seed {seed}:\n{}", case.summary(&tally, &ledger, found));
    let mut wrong = ledger.wrong_responses();
    wrong.extend(check_task::check(&case));
    wrong.extend(check_traffic::check(&case, &tally));
    wrong.extend(case.check_contents().await);
    let shown: Vec<&String> = wrong.iter().take(40).collect();
    assert!(wrong.is_empty(), "{name}, seed {seed}: {} errors:\n{shown:#?}", wrong.len());
}

/// The compared records.
pub struct Case {
    attempts: Vec<Attempt>,
    evidence: Evidence,
    client: Client,
    nodes: BTreeMap<String, Client>,
}

impl Case {
    /// Repairs run after the last crash, so this repeats until the contents are right.
    async fn check_contents(&self) -> Vec<String> {
        let deadline = Instant::now() + MENDING;
        loop {
            let mut wrong = check_document::check(self).await;
            wrong.extend(check_setting::check(self).await);
            wrong.extend(check_passing::check(self).await);
            if wrong.is_empty() || Instant::now() > deadline {
                return wrong;
            }
            sleep(Duration::from_millis(500)).await;
        }
    }

    fn summary(&self, tally: &Tally, ledger: &Ledger, found: usize) -> String {
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
             lost answers resolved: {found} found on their node, {given_up} never arrived there\n  \
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

fn number_from(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is `{text}`, which is not a number")))
}
