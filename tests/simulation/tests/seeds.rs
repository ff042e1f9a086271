//! Histories of known seeds.

use miroir_test_simulation::{Extent, Losses, Plan, run, run_all};

/// Seeds whose histories found a fault, with the fault.
const FOUND: [(u64, &str); 12] = [
    (
        43,
        "a read was told that an index is missing while it was made anew, and the node was marked as lacking it \
     after the task had ended",
    ),
    (1003, "a node took a write late, after another one whose task was pruned since, and counted as in sync"),
    (
        2071,
        "a write whose response was lost arrived after a later one, and reads showed it before it was found",
    ),
    (2019, "two replicas that each missed another write waited for each other"),
    (163, "two replicas each failed a deletion that the other one carried out, and waited for each other"),
    (1487, "a replica that was stale when its index was deleted showed old documents in the next one"),
    (11057, "settings were read from a node without them, because those that had them lacked documents"),
    (1_001_643, "a replica that missed a write was stale, although the write had failed on all other nodes"),
    (1_002_067, "a node that was rolled back just after it was found emptied kept an index that was deleted"),
    (2_002_727, "a copy whose response was lost arrived after another repair had found the replica in sync"),
    (2_002_653, "the same: a failure for another reason shortened the pause after the lost copy"),
    (702_148, "an instance whose clock was set back did not see that two writes were taken in another order"),
];

#[test]
fn history_repeats_to_the_last_event() {
    for seed in 1..=6 {
        let plan = Plan::of(seed);
        let (first, second) = (run(&plan), run(&plan));
        let differing = first.log.lines().zip(second.log.lines()).find(|(one, other)| one != other);
        assert_eq!(differing, None, "seed {seed}");
        assert_eq!(first.log.len(), second.log.len(), "seed {seed}");
    }
}

#[test]
fn plan_has_enough_requests_and_faults() {
    for seed in 0..200 {
        let (requests, faults) = Plan::of(seed).counts();
        assert!(requests >= 200 && faults >= 5, "seed {seed}: {requests} requests, {faults} faults");
    }
}

#[test]
fn histories_of_seeds_that_found_a_fault_are_right() {
    for (seed, fault) in FOUND {
        assert_eq!(run(&Plan::of(seed)).violations, Vec::<String>::new(), "seed {seed}: {fault}");
    }
}

/// A model that finds nothing would make every history right.
#[test]
fn model_notices_nodes_that_lose_documents() {
    for seed in 1..=3 {
        let plan = Plan { losses: Losses::Silent, ..Plan::of(seed) };
        assert!(!run(&plan).violations.is_empty(), "seed {seed}");
    }
}

/// Faults take all copies of some shards: no unmarked read is wrong, no replica that lost documents counts as
/// in sync, and once an operator has accepted what is left, all copies are equal.
#[test]
fn losses_are_named() {
    let mut marked = 0;
    // 500307: a task ended as soon as a node turned out to have missed it, before the other instance knew.
    for seed in (1..=12).chain([500_307]) {
        let report = run(&Plan { losses: Losses::AllCopies, ..Plan::of(seed) });
        assert_eq!(report.violations, Vec::<String>::new(), "seed {seed}");
        marked += report.reads[1];
    }
    assert!(marked > 0, "nothing was lost");
}

#[test]
fn histories_of_first_seeds_are_right() {
    let extent =
        Extent { first: 1, histories: 20, time: std::time::Duration::MAX, threads: 2, losses: Losses::None };
    let sums = run_all(extent, |_| ());
    assert!(sums.failures.is_empty(), "{:#?}\n{}", sums.failures, sums.text());
}
