//! Runs chaos and prints what happened: `CHAOS_SECONDS` (a run), `CHAOS_RUNS`, `CHAOS_SEED` (the first seed).
//! Runs alternate between SQLite and Redis, and between three nodes and six.

use std::process::ExitCode;
use std::time::Duration;

use miroir_test_chaos::{Options, Store, run};

#[tokio::main]
async fn main() -> ExitCode {
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok()).unwrap_or(default)
    };
    let (first, runs) = (number("CHAOS_SEED", 1), number("CHAOS_RUNS", 6));
    let time = Duration::from_secs(number("CHAOS_SECONDS", 300));
    let mut failed = 0;
    for seed in first..first + runs {
        let store = if (seed / 2).is_multiple_of(2) { Store::Redis } else { Store::Sqlite };
        let options = Options::of(seed, time, store);
        println!(
            "seed {seed}: {} nodes in {} groups, {store:?}, {time:?}",
            options.nodes,
            options.layout.groups()
        );
        match run(&options).await {
            Ok(report) => {
                let ([succeeded, perhaps], [judged, marked, refused]) = (report.writes, report.reads);
                println!("  writes: {succeeded} succeeded, {perhaps} perhaps");
                println!("  reads: {judged} compared, {marked} marked, {refused} refused");
                println!("  faults: {:?}", report.faults);
                for sentence in &report.violations {
                    println!("  WRONG: {sentence}");
                }
                failed += u64::from(!report.violations.is_empty());
            }
            Err(error) => {
                println!("  FAILED: {error:#}");
                failed += 1;
            }
        }
    }
    println!("{failed} of {runs} runs failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
