//! Evaluation of a response by the assertions of a canary.

use serde_json::{Map, Value};

use super::assertion::Assertion;
use super::definition::Definition;
use super::evidence::{FailedAssertion, Verdict};
use super::row::{CanaryRun, CanaryStatus};
use crate::document::{DocumentId, PrimaryKey};
use crate::search::path;

/// The number of runs that `max_p95_ms` is about, the present one included.
pub const P95_RUNS: u32 = 100;
/// The maximum number of ids of the response in the evidence.
const SHOWN_IDS: usize = 20;

/// The facts observed in one run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation<'a> {
    /// The body of the response.
    pub body: &'a Map<String, Value>,
    /// The time the search took, in milliseconds.
    pub latency_ms: u64,
    /// The settings version of the index, if it is known.
    pub settings_version: Option<u64>,
    /// The primary key of the index, if it has one.
    pub primary_key: Option<&'a PrimaryKey>,
    /// The parts missing from the response, as `X-Miroir-Degraded` names them.
    pub degraded: Option<&'a str>,
}

/// Evaluates a response. `recent` are earlier runs, newest first. For `max_p95_ms` the newest of them that
/// got a response count, [`P95_RUNS`] with the present run.
pub fn evaluate(definition: &Definition, seen: &Observation<'_>, recent: &[CanaryRun]) -> Verdict {
    let hits = seen.body.get("hits").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let facts = Facts { seen, recent, ids: hits.iter().map(|hit| id_of(hit, seen.primary_key)).collect() };
    let failed = definition.assertions().iter().filter_map(|assertion| {
        let (message, observed, failing_ids) = facts.judge(assertion).err()?;
        Some(FailedAssertion { assertion: assertion.clone(), message, observed, failing_ids })
    });
    Verdict::Judged {
        failed: failed.collect(),
        top_ids: facts.ids.iter().take(SHOWN_IDS).map(|id| shown(id.as_ref())).collect(),
        degraded: seen.degraded.map(str::to_owned),
    }
}

/// Returns the id of the document of a hit. Returns `None` if the hit does not show it.
pub(super) fn id_of(hit: &Value, primary_key: Option<&PrimaryKey>) -> Option<DocumentId> {
    let mut id = None;
    path::visit(hit.as_object()?, primary_key?.as_str(), &mut |value| {
        id = id.take().or_else(|| DocumentId::from_json(value).ok());
    });
    id
}

fn shown(id: Option<&DocumentId>) -> Value {
    id.map_or(Value::Null, |id| id.as_str().into())
}

/// The message, the observed value, and the ids at fault.
type Failure = (String, Value, Vec<String>);

struct Facts<'a> {
    seen: &'a Observation<'a>,
    recent: &'a [CanaryRun],
    /// The id of every hit, in order.
    ids: Vec<Option<DocumentId>>,
}

impl Facts<'_> {
    fn judge(&self, assertion: &Assertion) -> Result<(), Failure> {
        match assertion {
            Assertion::TopHitId { id } => self.top_hit(id),
            Assertion::TopKContains { k, ids } => self.top_k(*k, ids),
            Assertion::MustNotContainId { id } => self.must_not_contain(id),
            Assertion::MinHits { value } => at_least("the number of hits is", self.total(), *value),
            Assertion::MaxHits { value } => at_most("the number of hits is", self.total(), *value),
            Assertion::MaxLatencyMs { value } => {
                at_most("the search took, in milliseconds,", self.seen.latency_ms, *value)
            }
            Assertion::MaxP95Ms { value } => {
                at_most("95 of 100 of the last runs took, in milliseconds, up to", self.p95(), *value)
            }
            Assertion::SettingsVersionAtLeast { value } => match self.seen.settings_version {
                Some(version) => at_least("the settings have the version", version, *value),
                None => fail("the version of the settings is not known", Value::Null),
            },
            Assertion::FacetCount { facet, value, min, max } => {
                let count = self.facet_count(facet, value);
                let what = format!("the count of `{value}` in `{facet}` is");
                at_least(&what, count, min.unwrap_or(0))?;
                at_most(&what, count, max.unwrap_or(u64::MAX))
            }
        }
    }

    fn top_hit(&self, id: &DocumentId) -> Result<(), Failure> {
        let (message, observed) = match self.ids.first() {
            Some(Some(top)) if top == id => return Ok(()),
            Some(Some(top)) => (format!("the first hit is `{top}`, not `{id}`"), top.as_str().into()),
            Some(None) => ("the first hit does not show its id".to_owned(), Value::Null),
            None => ("there is no hit".to_owned(), Value::Null),
        };
        Err((message, observed, vec![id.to_string()]))
    }

    fn top_k(&self, k: u64, ids: &[DocumentId]) -> Result<(), Failure> {
        let looked_at = usize::try_from(k).unwrap_or(usize::MAX).min(self.ids.len());
        let first = &self.ids[..looked_at];
        let found = |id: &DocumentId| first.iter().flatten().any(|found| found == id);
        let missing: Vec<String> = ids.iter().filter(|id| !found(id)).map(ToString::to_string).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let message =
            format!("{} of {} documents are not among the first {k} hits", missing.len(), ids.len());
        Err((message, first.iter().map(|id| shown(id.as_ref())).collect(), missing))
    }

    /// Fails for a hit that does not show its id, since it may be the document.
    fn must_not_contain(&self, id: &DocumentId) -> Result<(), Failure> {
        let failing = vec![id.to_string()];
        if let Some(position) = self.ids.iter().position(|found| found.as_ref() == Some(id)) {
            let place = position as u64 + 1;
            return Err((format!("`{id}` is hit number {place}"), place.into(), failing));
        }
        match self.ids.iter().filter(|id| id.is_none()).count() {
            0 => Ok(()),
            hidden => Err((format!("{hidden} hits do not show their ids"), Value::Null, failing)),
        }
    }

    /// Returns the exhaustive total of a numbered page, else the estimate.
    fn total(&self) -> u64 {
        let total =
            ["totalHits", "estimatedTotalHits"].iter().find_map(|key| self.seen.body.get(*key)?.as_u64());
        total.unwrap_or(self.ids.len() as u64)
    }

    /// Returns the latency that 95 of 100 runs do not exceed, by nearest rank.
    fn p95(&self) -> u64 {
        let completed = self.recent.iter().filter(|run| run.status != CanaryStatus::Error);
        let earlier = completed.map(|run| run.latency_ms);
        let mut latencies: Vec<u64> =
            std::iter::once(self.seen.latency_ms).chain(earlier).take(P95_RUNS as usize).collect();
        latencies.sort_unstable();
        // At least one run, so the rank is from 1 to their number.
        latencies[(latencies.len() * 95).div_ceil(100) - 1]
    }

    /// Returns the count of a facet value. A value that is not listed has no documents.
    fn facet_count(&self, facet: &str, value: &str) -> u64 {
        let counts = self.seen.body.get("facetDistribution").and_then(|facets| facets.get(facet));
        counts.and_then(|counts| counts.get(value)?.as_u64()).unwrap_or(0)
    }
}

fn fail(message: impl Into<String>, observed: Value) -> Result<(), Failure> {
    Err((message.into(), observed, Vec::new()))
}

fn at_least(what: &str, observed: u64, least: u64) -> Result<(), Failure> {
    if observed >= least {
        return Ok(());
    }
    fail(format!("{what} {observed}, less than {least}"), observed.into())
}

fn at_most(what: &str, observed: u64, most: u64) -> Result<(), Failure> {
    if observed <= most {
        return Ok(());
    }
    fail(format!("{what} {observed}, more than {most}"), observed.into())
}
