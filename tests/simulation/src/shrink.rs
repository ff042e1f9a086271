//! The shortest history that fails.

use crate::history::{Report, run};
use crate::plan::Plan;

/// Leaves events out of a plan that fails, as long as it fails, in at most `attempts` runs. Returns the
/// shortest plan and its report.
pub fn shrink(plan: &Plan, attempts: usize) -> (Plan, Report) {
    let (mut best, mut report) = (plan.clone(), run(plan));
    let (mut left, mut size) = (attempts, best.events.len().div_ceil(2));
    while left > 0 && size > 0 && !report.violations.is_empty() {
        let mut shortened = false;
        let mut from = 0;
        while from < best.events.len() && left > 0 {
            let mut shorter = best.clone();
            let to = (from + size).min(shorter.events.len());
            shorter.events.drain(from..to);
            left -= 1;
            let outcome = run(&shorter);
            if outcome.violations.is_empty() {
                from = to;
            } else {
                (best, report, shortened) = (shorter, outcome, true);
            }
        }
        if !shortened || size > 1 {
            size = if size == 1 { 0 } else { size.div_ceil(2).min(size - 1) };
        }
    }
    (best, report)
}
