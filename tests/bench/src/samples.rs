//! Durations of repetitions.

use std::time::Duration;

/// Duration of each repetition.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<Duration>);

impl Samples {
    /// Adds a duration.
    pub fn push(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    /// Adds all of `others`.
    pub fn join(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Returns the number of samples.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Returns the median, in seconds.
    pub fn p50(&self) -> f64 {
        self.permille(500)
    }

    /// Returns the 99th percentile, in seconds.
    pub fn p99(&self) -> f64 {
        self.permille(990)
    }

    /// Returns the 99.9th percentile, in seconds.
    pub fn p999(&self) -> f64 {
        self.permille(999)
    }

    /// Returns the quantile in thousandths (nearest rank), in seconds. Returns NaN if there are no samples.
    fn permille(&self, permille: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * permille).div_ceil(1_000);
        sorted.get(rank.saturating_sub(1)).map_or(f64::NAN, Duration::as_secs_f64)
    }
}

/// Returns the repetitions per second of `count` repetitions in `span`.
pub fn rate(count: usize, span: Duration) -> f64 {
    // Counts of a few seconds are far below 2^52.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let count = count as f64;
    count / span.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples_of_the_nearest_rank() {
        let mut samples = Samples::default();
        for millis in (1..=200).rev() {
            samples.push(Duration::from_millis(millis));
        }
        assert!((samples.p50() - 0.100).abs() < 1e-9);
        assert!((samples.p99() - 0.198).abs() < 1e-9);
        assert!((samples.p999() - 0.200).abs() < 1e-9);
        assert!(Samples::default().p99().is_nan());
    }

    #[test]
    fn rate_is_per_second() {
        assert!((rate(30, Duration::from_millis(500)) - 60.0).abs() < 1e-9);
    }
}
