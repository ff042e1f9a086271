//! Runs histories and prints what happened: `SIMULATE_SECONDS`, `SIMULATE_SEED` (the first seed) and
//! `SIMULATE_HISTORIES` say how many, and with `SIMULATE_LOSSES` faults may take all copies of a shard. With
//! the arguments `log <seed>` it prints one history to the end.

use std::process::ExitCode;
use std::time::Duration;

use miroir_test_simulation::{Extent, Losses, Plan, run, run_all, shrink};

/// The failures whose shortest history is looked for.
const SHRUNK: usize = 3;

/// The runs in which the shortest history is looked for.
const ATTEMPTS: usize = 150;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [command, seed] = arguments.as_slice()
        && let Ok(seed) = seed.parse()
    {
        return one(command, seed);
    }
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seconds = number("SIMULATE_SECONDS");
    let histories = number("SIMULATE_HISTORIES");
    let extent = Extent {
        first: number("SIMULATE_SEED").unwrap_or(1),
        histories: histories.unwrap_or(if seconds.is_some() { u64::MAX } else { 1_000 }),
        time: Duration::from_secs(seconds.unwrap_or(u64::from(u32::MAX))),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        losses: losses(),
    };
    let sums = run_all(extent, |sums| {
        println!("so far {} histories, {} failed: {:?}", sums.histories, sums.failures.len(), sums.failures);
    });
    print!("{}", sums.text());
    for (seed, sentence) in &sums.failures {
        println!("FAILED seed {seed}: {sentence}");
    }
    for seed in sums.failures.keys().take(SHRUNK) {
        print_shortest(*seed);
    }
    println!("{} of {} histories failed", sums.failures.len(), sums.histories);
    if sums.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn losses() -> Losses {
    if std::env::var_os("SIMULATE_LOSSES").is_some() { Losses::AllCopies } else { Losses::None }
}

fn plan(seed: u64) -> Plan {
    Plan { losses: losses(), ..Plan::of(seed) }
}

fn one(command: &str, seed: u64) -> ExitCode {
    let report = run(&plan(seed));
    match command {
        "log" => print!("{}", report.log),
        "shrink" => print_shortest(seed),
        _ => println!("{:?}\n{:?}\n{:?}", report.faults, report.writes, report.reads),
    }
    for sentence in &report.violations {
        println!("{sentence}");
    }
    if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn print_shortest(seed: u64) {
    let (plan, report) = shrink(&plan(seed), ATTEMPTS);
    println!("\nthe shortest history found of seed {seed}, in {:?}:", plan.shape);
    for event in &plan.events {
        println!("  {:>6} ms  {:?}", event.at, event.what);
    }
    for sentence in report.violations.iter().take(3) {
        println!("  {sentence}");
    }
}
