//! Short runs of `make chaos` on simulated nodes.

use std::time::Duration;

use miroir_e2e::Random;
use miroir_test_chaos::{Options, Store, run};

/// The time in which things go wrong.
const TIME: Duration = Duration::from_secs(30);

/// Runs a seed that is even for three nodes in one group, or odd for six in two.
async fn unharmed(is_odd: bool, store: Store) {
    let seed = Random::any_seed() / 2 * 2 + u64::from(is_odd);
    let report =
        run(&Options::of(seed, TIME, store)).await.unwrap_or_else(|error| panic!("seed {seed}: {error:#}"));
    eprintln!("seed {seed}: {report:?}");
    assert_eq!(report.violations, Vec::<String>::new(), "seed {seed}");
    assert!(
        report.reads[0] > 0 && report.writes[0] > 0 && !report.faults.is_empty(),
        "seed {seed}: {report:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_on_redis_before_six_nodes() {
    unharmed(true, Store::Redis).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_instance_on_sqlite_before_three_nodes() {
    unharmed(false, Store::Sqlite).await;
}
