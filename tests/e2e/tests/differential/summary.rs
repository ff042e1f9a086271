//! Results by category.

use std::collections::BTreeMap;
use std::fmt;

use crate::query::Query;
use crate::verdict::{Reason, Verdict};

/// Limits of each known cause. All data has fixed seeds, so counts vary only with the nodes that Miroir
/// happens to search, and with the engine. A limit is a little above the observed counts.
const CEILINGS: [(Reason, usize); 8] = [
    (Reason::Ties, 6),
    (Reason::Dictionary, 8),
    (Reason::DistinctEstimate, 26),
    (Reason::ThresholdEstimate, 3),
    (Reason::DistinctSeveral, 2),
    (Reason::FacetCut, 4),
    (Reason::EqualCounts, 4),
    (Reason::Spelling, 10),
];

#[derive(Debug, Default)]
struct Tally {
    queries: usize,
    identical: usize,
    only_ties: usize,
}

/// All verdicts.
#[derive(Debug, Default)]
pub struct Summary {
    categories: BTreeMap<&'static str, Tally>,
    reasons: BTreeMap<Reason, usize>,
    examples: Vec<String>,
    faults: Vec<String>,
}

impl Summary {
    /// Adds the verdict of a query.
    pub fn add(&mut self, query: &Query, verdict: Verdict) {
        let tally = self.categories.entry(query.category).or_default();
        tally.queries += 1;
        if verdict.known.is_empty() && verdict.unexplained.is_empty() {
            tally.identical += 1;
        }
        if verdict.unexplained.is_empty() && verdict.known.keys().eq([&Reason::Ties]) {
            tally.only_ties += 1;
        }
        for (reason, seen) in verdict.known {
            *self.reasons.entry(reason.clone()).or_default() += 1;
            self.examples.push(format!("{reason}: {} {}: {seen}", query.index, query.body));
        }
        for fault in verdict.unexplained {
            self.faults.push(format!("{} {} {}\n  {fault}", query.category, query.index, query.body));
        }
    }

    /// Returns the number of queries.
    pub fn queries(&self) -> usize {
        self.categories.values().map(|tally| tally.queries).sum()
    }

    /// Returns the faults: differences without a known cause, and causes above their limits.
    pub fn faults(&self) -> Vec<String> {
        let ceiling =
            |reason: &Reason| CEILINGS.iter().find(|(known, _)| known == reason).map_or(0, |found| found.1);
        let mut faults = self.faults.clone();
        for (reason, count) in &self.reasons {
            if *count > ceiling(reason) {
                faults.push(format!("{reason}: {count} queries, at most {} are known", ceiling(reason)));
            }
        }
        faults
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "{:<24}{:>8}{:>11}{:>11}{:>9}",
            "category", "queries", "identical", "ties only", "engine"
        )?;
        for (category, tally) in &self.categories {
            let engine = tally.queries - tally.identical - tally.only_ties;
            writeln!(
                formatter,
                "{category:<24}{:>8}{:>11}{:>11}{engine:>9}",
                tally.queries, tally.identical, tally.only_ties
            )?;
        }
        let sum = |part: fn(&Tally) -> usize| self.categories.values().map(part).sum::<usize>();
        let (queries, identical, ties) =
            (self.queries(), sum(|tally| tally.identical), sum(|tally| tally.only_ties));
        writeln!(
            formatter,
            "{:<24}{queries:>8}{identical:>11}{ties:>11}{:>9}",
            "all",
            queries - identical - ties
        )?;
        for (reason, count) in &self.reasons {
            writeln!(formatter, "{count:>4} {reason}")?;
        }
        self.examples.iter().try_for_each(|example| writeln!(formatter, "  {example}"))
    }
}
