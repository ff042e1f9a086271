//! A store whose calls fail at random, in every way they can.

use miroir_domain::task::TaskStatus;
use miroir_fault::Chance;

use crate::support::{Bench, Layout, films};

const SEEDS: std::ops::Range<u64> = 0..40;
const WRITES: u32 = 12;

/// For every fault of the store: an accepted write succeeds, every task ends, and work goes on once the
/// store responds again.
#[tokio::test(start_paused = true)]
async fn accepted_writes_succeed_however_the_store_fails() {
    let mut refused = 0;
    for seed in SEEDS {
        let bench = Bench::running(Layout::group(&["a", "b", "c"], 2));
        bench.written("films", films(0, 5)).await;
        bench.faults.gamble(Some(Chance::new(seed, 6)));
        let mut accepted = Vec::new();
        for number in 1..=WRITES {
            match bench.write("films", films(number * 10, number * 10 + 5)).await {
                Ok(write) => accepted.push(write.summary.task_uid),
                Err(_) => refused += 1,
            }
        }
        for uid in &accepted {
            bench.succeeded(*uid).await;
        }
        bench.faults.gamble(None);
        let last = bench.written("films", films(500, 505)).await;
        assert_eq!(last.status, TaskStatus::Succeeded, "seed {seed}");
        for uid in 0..last.uid.0 {
            // A creation whose answer was lost has a row too; it ends like any other.
            bench.finished(miroir_domain::TaskUid(uid)).await;
        }
    }
    assert!(refused > 10, "only {refused} writes were refused: the store failed too seldom");
}
