//! Metrics of calls to the task store.

use std::sync::Arc;

use miroir_ports::outbound::{Outcome, StoreError, TaskStore};
use prometheus::{HistogramVec, IntCounterVec, Result as MadeResult};
use tokio::time::Instant;

use crate::family::{Families, STORE_SECONDS};

/// Every label of a kind of error.
const KINDS: [&str; 7] =
    ["unavailable", "unknown", "corrupt", "schema_ahead", "invalid_input", "contended", "other"];

/// Counters of calls to the store.
pub(super) struct StoreMetrics {
    durations: HistogramVec,
    errors: IntCounterVec,
}

impl StoreMetrics {
    pub(super) fn new(families: &Families<'_>) -> MadeResult<Self> {
        Ok(Self {
            durations: families.histograms(
                "miroir_store_call_duration_seconds",
                "Duration of calls to the task store, including failed ones.",
                &["backend", "operation"],
                &STORE_SECONDS,
            )?,
            errors: families.counters(
                "miroir_store_errors_total",
                "Failed calls to the task store, by kind of error.",
                &["backend", "kind"],
            )?,
        })
    }

    /// Exports the counters of errors at zero, so that the first error is an increase.
    pub(super) fn register(&self, backend: &str) {
        for kind in KINDS {
            self.errors.with_label_values(&[backend, kind]);
        }
    }
}

fn kind(error: &StoreError) -> &'static str {
    match error {
        StoreError::Unavailable { outcome: Outcome::NotApplied, .. } => "unavailable",
        StoreError::Unavailable { outcome: Outcome::Unknown, .. } => "unknown",
        StoreError::Corrupt { .. } => "corrupt",
        StoreError::SchemaAhead { .. } => "schema_ahead",
        StoreError::InvalidInput(_) => "invalid_input",
        StoreError::Contended(_) => "contended",
        _ => "other",
    }
}

miroir_ports::wrap_store!(MeteredStore);

/// A store with counted calls. A call that is dropped before its end is not counted.
pub(super) struct MeteredStore {
    inner: Arc<dyn TaskStore>,
    metrics: Arc<StoreMetrics>,
    backend: &'static str,
}

impl MeteredStore {
    pub(super) fn new(inner: Arc<dyn TaskStore>, metrics: Arc<StoreMetrics>, backend: &'static str) -> Self {
        Self { inner, metrics, backend }
    }

    async fn call<T>(
        &self,
        method: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let begun = Instant::now();
        let result = work.await;
        let StoreMetrics { durations, errors } = self.metrics.as_ref();
        durations.with_label_values(&[self.backend, method]).observe(begun.elapsed().as_secs_f64());
        if let Err(error) = &result {
            errors.with_label_values(&[self.backend, kind(error)]).inc();
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_a_kind_of_its_own() {
        let unknown =
            StoreError::Unavailable { outcome: Outcome::Unknown, reason: String::new(), source: None };
        let errors = [
            StoreError::not_applied(""),
            unknown,
            StoreError::corrupt("tasks", "1", ""),
            StoreError::SchemaAhead { found: 2, supported: 1 },
            StoreError::InvalidInput(String::new()),
            StoreError::Contended(String::new()),
        ];
        let kinds: Vec<&str> = errors.iter().map(kind).collect();
        assert_eq!(kinds, KINDS[..KINDS.len() - 1]);
    }
}
