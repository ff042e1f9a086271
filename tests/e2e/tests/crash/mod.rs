//! Miroir is killed at random moments under load; then records are compared.
//!
//! ```text
//! writers -> ledger: requests and acknowledgements
//! rounds  -> kills and restarts of Miroir, and sometimes of a node
//! evidence: the tasks of Miroir and of the nodes
//! check:    the ledger and the evidence agree
//! ```

mod case;
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

use std::ops::Range;
use std::time::Duration;

use miroir_e2e::{ClusterBuilder, Random};
use serde_json::json;
use tokio::time::{Instant, sleep};

use case::Case;
use evidence::until_no_task_is_open;
use ledger::Ledger;
use writer::{LASTING, Writers};

/// Timeout for nodes to become equal again after the last crash.
const REPAIR_TIMEOUT: Duration = Duration::from_secs(90);
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

    let case = Case::collect(&mut cluster, &ledger).await;
    let found = cluster
        .miroir()
        .process()
        .log()
        .matches("found the node task of a write whose response was lost")
        .count();
    eprintln!("{name}, seed {seed}:\n{}", case.summary(&tally, &ledger, found));
    let mut wrong = ledger.wrong_responses();
    wrong.extend(check_task::check(&case));
    wrong.extend(check_traffic::check(&case, &tally));
    wrong.extend(check_contents(&case).await);
    let shown: Vec<&String> = wrong.iter().take(40).collect();
    assert!(wrong.is_empty(), "{name}, seed {seed}: {} errors:\n{shown:#?}", wrong.len());
}

/// Repairs run after the last crash, so this repeats until the contents are right.
async fn check_contents(case: &Case) -> Vec<String> {
    let deadline = Instant::now() + REPAIR_TIMEOUT;
    loop {
        let mut wrong = check_document::check(case).await;
        wrong.extend(check_setting::check(case).await);
        wrong.extend(check_passing::check(case).await);
        if wrong.is_empty() || Instant::now() > deadline {
            return wrong;
        }
        sleep(Duration::from_millis(500)).await;
    }
}

fn number_from(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is `{text}`, which is not a number")))
}
