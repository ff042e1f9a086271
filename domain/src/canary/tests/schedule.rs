//! The schedule of a canary, and the summary of its runs.

use super::*;

fn canary(interval_s: u32) -> Canary {
    let definition = definition(json!({}), json!([]));
    let id = CanaryId::of_name("c").unwrap();
    Canary { interval_s, ..definition.to_row(&id, Timestamp::from_millis(1_000), 1) }
}

fn due(interval_s: u32, last: Option<(i64, u64)>, now: i64) -> i64 {
    let last = last.map(|(ran_at, latency)| run(ran_at, CanaryStatus::Pass, latency));
    due_at(&canary(interval_s), last.as_ref(), Timestamp::from_millis(now)).as_millis()
}

#[test]
fn due_at_is_an_interval_after_the_last_run_began() {
    assert_eq!(due(10, None, 5_000), 1_000, "at once");
    assert_eq!(due(10, None, 500), 500, "at once, whatever the clock did since");
    assert_eq!(due(10, Some((5_000, 0)), 5_000), 15_000);
    assert_eq!(due(10, Some((5_000, 1)), 900_000), 15_000);
    assert_eq!(due(0, Some((5_000, 0)), 5_000), 6_000, "a row says anything");
}

#[test]
fn due_at_skips_the_runs_that_a_slow_run_missed() {
    assert_eq!(due(10, Some((0, 10_000)), 0), 10_000);
    assert_eq!(due(10, Some((0, 10_001)), 0), 20_000);
    assert_eq!(due(10, Some((0, 20_000)), 0), 20_000);
    assert_eq!(due(10, Some((0, 35_000)), 0), 40_000);
    assert!(due(10, Some((0, u64::MAX)), 0) > 40_000, "no overflow");
}

#[test]
fn due_at_ignores_a_run_in_the_future() {
    assert_eq!(
        due(10, Some((15_000, 0)), 5_000),
        25_000,
        "an interval ahead may be a small step of the clock"
    );
    assert_eq!(due(10, Some((15_001, 0)), 5_000), 5_000);
}

#[test]
fn is_overdue_needs_a_delay_of_more_than_an_interval() {
    let at = Timestamp::from_millis;
    assert!(!is_overdue(&canary(10), at(0), at(10_000)));
    assert!(is_overdue(&canary(10), at(0), at(10_001)));
    assert!(!is_overdue(&Canary { enabled: false, ..canary(10) }, at(0), at(10_001)));
    assert!(!is_overdue(&canary(10), at(50_000), at(0)));
}

#[test]
fn summary_counts_failures_from_the_newest_run() {
    use CanaryStatus::{Error, Fail, Pass};
    let summary = |statuses: &[CanaryStatus]| {
        let runs: Vec<CanaryRun> = statuses.iter().map(|status| run(0, *status, 0)).collect();
        let summary = RunSummary::of(&runs);
        (summary.counts.pass, summary.counts.fail, summary.counts.error, summary.consecutive_failures)
    };
    assert_eq!(summary(&[]), (0, 0, 0, 0));
    assert_eq!(summary(&[Pass, Fail, Error]), (1, 1, 1, 0));
    assert_eq!(summary(&[Fail, Error, Fail, Pass, Fail]), (1, 3, 1, 3));
    assert_eq!(summary(&[Error, Error]), (0, 0, 2, 2));
}
