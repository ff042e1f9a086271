//! Classification of a difference: a tie, a known effect of the engine, or a fault of Miroir.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result};
use serde_json::{Map, Value};

use crate::difference::{Difference, differences};
use crate::evidence::{Evidence, Ranking};
use crate::fixture::{self, EDITIONS, Fixture, RANKED};
use crate::query::Query;

/// Known cause of a difference in the engine. `docs/search-fidelity.md` explains each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Hits of equal rank in another order.
    Ties,
    /// A node, searched without Miroir, finds or ranks a document differently because of the words of its own
    /// documents.
    Dictionary,
    /// The total of a window, or a facet count, with distinct: an estimate on one server too.
    DistinctEstimate,
    /// The total of a full window with a threshold: the engine counts hits below the threshold until it meets
    /// them.
    ThresholdEstimate,
    /// Distinct by an attribute with several values per document.
    DistinctSeveral,
    /// More facet values than a node returns.
    FacetCut,
    /// Facet values of equal count, sorted by count.
    EqualCounts,
    /// The spelling of a facet value.
    Spelling,
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Ties => "order of ties",
            Self::Dictionary => "words of a node's own documents",
            Self::DistinctEstimate => "distinct: estimated totals and counts",
            Self::ThresholdEstimate => "rankingScoreThreshold: estimated totals",
            Self::DistinctSeveral => "distinct: several values per document",
            Self::FacetCut => "more facet values than maxValuesPerFacet",
            Self::EqualCounts => "facet values of equal count",
            Self::Spelling => "spelling of a facet value",
        })
    }
}

/// The verdict on one query.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Differences of known cause, each with its description.
    pub known: BTreeMap<Reason, String>,
    /// All other differences, as sentences.
    pub unexplained: Vec<String>,
}

/// Compares the responses to one query.
pub async fn judge(fixture: &Fixture, query: &Query) -> Result<Verdict> {
    let one = fixture::search(&fixture.single, query.index, &query.body).await?;
    let many = fixture::search(&fixture.cluster, query.index, &query.body).await?;
    let mut verdict = Verdict::default();
    let differences = differences(&one, &many);
    if differences.is_empty() {
        return Ok(verdict);
    }
    let evidence = Evidence::gather(fixture, query).await?;
    let case = Case {
        query,
        one: &one,
        many: &many,
        evidence: &evidence,
        candidates: candidates(fixture, query).await?,
    };
    for difference in differences {
        match case.reason(&difference) {
            Ok(reason) => drop(verdict.known.insert(reason, format!("{difference:?}"))),
            Err(why) => verdict.unexplained.push(format!("{difference:?}: {why}")),
        }
    }
    if !verdict.unexplained.is_empty() {
        verdict.unexplained.push(format!("one server: {one}\n  cluster: {many}"));
    }
    Ok(verdict)
}

/// Returns the number of documents that match before distinct and the threshold, or the number of all
/// documents if the settings have distinct.
async fn candidates(fixture: &Fixture, query: &Query) -> Result<u64> {
    if query.index == EDITIONS {
        return Ok(fixture::EDITIONS_COUNT as u64);
    }
    let mut plain = query.clone();
    let body = plain.body.as_object_mut().context("a search has an object for a body")?;
    body.shift_remove("distinct");
    body.shift_remove("rankingScoreThreshold");
    Ok(Ranking::of(&fixture.single, &plain).await?.total)
}

struct Case<'a> {
    query: &'a Query,
    one: &'a Value,
    many: &'a Value,
    evidence: &'a Evidence,
    candidates: u64,
}

impl Case<'_> {
    fn reason(&self, difference: &Difference) -> Result<Reason, String> {
        match difference {
            Difference::Hits => self.hits(),
            Difference::Total(key) => self.total(key),
            Difference::FacetCounts(name) => self.facet_counts(name),
            Difference::FacetOrder(name) => self.facet_order(name),
            Difference::Spelling(name) if name == "city" => Ok(Reason::Spelling),
            Difference::Spelling(_) => Err("all documents have one spelling".to_owned()),
            Difference::Content(_) | Difference::Other(_) => Err("no known cause".to_owned()),
        }
    }

    fn hits(&self) -> Result<Reason, String> {
        if self.evidence.only_ties_differ(self.one, self.many) {
            // Elsewhere documents were indexed in the order of their ids, which breaks ties on both sides.
            return if self.query.index == RANKED {
                Ok(Reason::Ties)
            } else {
                Err("only ties differ, although documents were indexed by id".to_owned())
            };
        }
        if self.is_distinct_by_several() {
            return self.evidence.distinct_is_right(self.many).map(|()| Reason::DistinctSeveral);
        }
        self.evidence.blame(self.many).map(|()| Reason::Dictionary)
    }

    /// Returns whether distinct uses genres, the only attribute with several values.
    fn is_distinct_by_several(&self) -> bool {
        self.query.body["distinct"] == "genres"
    }

    fn is_distinct(&self) -> bool {
        self.query.body["distinct"].is_string() || self.query.index == EDITIONS
    }

    /// Returns whether the window is full and has a threshold. For any other window the engine examined every
    /// hit, so the total must be exact.
    fn is_full_window_with_threshold(&self) -> bool {
        let limit = self.many["limit"].as_u64();
        self.query.body["rankingScoreThreshold"].is_number()
            && limit.is_some()
            && limit == self.many["hits"].as_array().map(|hits| hits.len() as u64)
    }

    fn total(&self, key: &str) -> Result<Reason, String> {
        let total = self.many[key].as_u64().unwrap_or(u64::MAX);
        if self.is_distinct() && (key == "estimatedTotalHits" || self.is_distinct_by_several()) {
            // At least the real number, at most the number without distinct.
            let least = self.evidence.cluster.order.len() as u64;
            let bounds = least..=self.candidates;
            return match bounds.contains(&total) {
                true if self.is_distinct_by_several() => Ok(Reason::DistinctSeveral),
                true => Ok(Reason::DistinctEstimate),
                false => Err(format!("{total} is not in {bounds:?}")),
            };
        }
        if self.is_full_window_with_threshold() {
            let bounds = self.evidence.cluster.order.len() as u64..=self.candidates;
            let estimate = bounds.contains(&total).then_some(Reason::ThresholdEstimate);
            return estimate.ok_or_else(|| format!("{total} is not in {bounds:?}"));
        }
        self.evidence.blame(self.many)?;
        let stated = if key == "totalPages" { self.many["totalHits"].as_u64() } else { Some(total) };
        let (possible, _) = self.evidence.extent();
        if !stated.is_some_and(|stated| possible.contains(&stated)) {
            return Err(format!("nodes find {possible:?}"));
        }
        Ok(Reason::Dictionary)
    }

    fn facet_counts(&self, name: &str) -> Result<Reason, String> {
        let (one, many) = (facet(self.one, name), facet(self.many, name));
        let most = if self.query.index == EDITIONS { fixture::EDITIONS_FACET_VALUES } else { 100 };
        // Values sorted by value are cut at the same one on every node, unless one server has more than 3,000
        // candidates: then it sorts numbers by value, while nodes sort them as text.
        let sorted_apart = self.query.index == EDITIONS || self.candidates > 3_000;
        let is_cut = one.len() == most && many.len() == most && sorted_apart;
        let counts = |facet: &Map<String, Value>| -> u64 { facet.values().filter_map(Value::as_u64).sum() };
        if self.is_distinct() && self.query.body.get("hitsPerPage").is_none() {
            let too_many = counts(many) > self.candidates;
            return if too_many && name != "genres" {
                Err("more than the number of candidates".to_owned())
            } else {
                Ok(Reason::DistinctEstimate)
            };
        }
        if is_cut {
            // Values that a node cut off are missing; counts of other values must be possible.
            let surplus = many
                .iter()
                .find(|(value, count)| one.get(*value).is_some_and(|one| count.as_u64() > one.as_u64()));
            return surplus
                .map_or(Ok(Reason::FacetCut), |(value, count)| Err(format!("{value} has {count}")));
        }
        // Only documents that one side finds may change a count.
        let (_, disputed) = self.evidence.extent();
        let count =
            |facet: &Map<String, Value>, value: &str| facet.get(value).and_then(Value::as_u64).unwrap_or(0);
        let values = one.keys().chain(many.keys());
        let most_moved =
            values.map(|value| count(one, value).abs_diff(count(many, value))).max().unwrap_or(0);
        if most_moved <= disputed {
            return self.evidence.blame(self.many).map(|()| Reason::Dictionary);
        }
        Err("counts of the same documents must be equal".to_owned())
    }

    fn facet_order(&self, name: &str) -> Result<Reason, String> {
        let falls = |facet: &Map<String, Value>| {
            facet.values().map(Value::as_u64).collect::<Vec<_>>().is_sorted_by(|left, right| left >= right)
        };
        if falls(facet(self.one, name)) && falls(facet(self.many, name)) {
            return Ok(Reason::EqualCounts);
        }
        Err("values are not sorted by count".to_owned())
    }
}

fn facet<'a>(response: &'a Value, name: &str) -> &'a Map<String, Value> {
    response["facetDistribution"][name].as_object().expect("a difference was found in it")
}
