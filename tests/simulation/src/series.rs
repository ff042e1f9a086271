//! Many histories, on several threads, with their sums.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use miroir_ports::outbound::RepairStep;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::history::{Report, run};
use crate::plan::{Losses, Plan};

/// The steps of repair, as columns.
const STEPS: [(RepairStep, &str); 7] = [
    (RepairStep::Idle, "idle"),
    (RepairStep::Settings, "settings"),
    (RepairStep::CatchUp, "catch up"),
    (RepairStep::Compare, "compare"),
    (RepairStep::Copy, "copy"),
    (RepairStep::Confirm, "confirm"),
    (RepairStep::Remove, "remove"),
];

/// The histories between two calls of `progress`.
const PROGRESS: u64 = 500;

/// The extent of a series.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// The first seed. Each history has the next one.
    pub first: u64,
    /// The most histories.
    pub histories: u64,
    /// The time after which no history begins any more.
    pub time: Duration,
    /// The threads, each with one history at a time.
    pub threads: usize,
    /// The losses that the histories allow.
    pub losses: Losses,
}

/// The sums of many histories.
#[derive(Debug, Default)]
pub struct Sums {
    /// The histories.
    pub histories: u64,
    /// The simulated time.
    pub simulated: Duration,
    /// The requests of clients, by plan.
    pub requests: u64,
    /// The writes by outcome: succeeded, perhaps, not.
    pub writes: [u64; 3],
    /// The reads: compared, marked, refused.
    pub reads: [u64; 3],
    /// The faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// The histories in which a step of repair was reached during a fault.
    pub reached: BTreeMap<(&'static str, RepairStep), u64>,
    /// The seeds that failed, with the first sentence.
    pub failures: BTreeMap<u64, String>,
}

impl Sums {
    fn add(&mut self, plan: &Plan, report: &Report) {
        self.histories += 1;
        self.simulated += report.simulated;
        self.requests += plan.counts().0 as u64;
        for (sum, more) in self.writes.iter_mut().zip(report.writes) {
            *sum += more;
        }
        for (sum, more) in self.reads.iter_mut().zip(report.reads) {
            *sum += more;
        }
        for (kind, count) in &report.faults {
            *self.faults.entry(kind).or_default() += count;
        }
        for pair in &report.reached {
            *self.reached.entry(*pair).or_default() += 1;
        }
        if let Some(first) = report.violations.first() {
            self.failures.insert(plan.seed, first.clone());
        }
    }

    /// Returns the sums as text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let hours = self.simulated.as_secs_f64() / 3_600.0;
        writeln!(
            out,
            "{} histories, {hours:.1} simulated hours, {} requests",
            self.histories, self.requests
        )?;
        let [succeeded, perhaps, not] = self.writes;
        writeln!(out, "writes: {succeeded} succeeded, {perhaps} perhaps, {not} not taken")?;
        let [judged, marked, refused] = self.reads;
        writeln!(out, "reads: {judged} compared, {marked} marked, {refused} refused")?;
        write!(out, "\n{:<20}{:>8}", "fault", "times")?;
        for (_, name) in STEPS {
            write!(out, "{name:>10}")?;
        }
        writeln!(out, "   (histories in which repair was at this step)")?;
        for (kind, count) in &self.faults {
            write!(out, "{kind:<20}{count:>8}")?;
            for (step, _) in STEPS {
                write!(out, "{:>10}", self.reached.get(&(kind, step)).copied().unwrap_or(0))?;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}

/// Runs a series of histories. Calls `progress` with the sums so far after every `PROGRESS` histories.
pub fn run_all(extent: Extent, progress: impl Fn(&Sums) + Sync) -> Sums {
    let (next, sums) = (AtomicU64::new(0), Mutex::new(Sums::default()));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..extent.threads {
            scope.spawn(|| {
                while begun.elapsed() < extent.time {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= extent.histories {
                        return;
                    }
                    let plan = Plan { losses: extent.losses, ..Plan::of(extent.first + number) };
                    let report = run(&plan);
                    let mut sums = sums.lock();
                    sums.add(&plan, &report);
                    if sums.histories.is_multiple_of(PROGRESS) {
                        progress(&sums);
                    }
                }
            });
        }
    });
    sums.into_inner()
}
