//! The waits after failed deliveries.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

/// Exponential back-off whose waits double from `first` to `longest`.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// The wait after the first failure.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
}

impl Backoff {
    /// Returns the waits after successive failures, without an end. The wait after failure `n` is between
    /// half of `first · 2^(n − 1)`, at most `longest`, and the whole of it. The jitter follows from `seed`,
    /// so that many senders do not retry at the same moment.
    pub(super) fn waits(self, seed: &str) -> ExponentialBackoff {
        // The jitter of the builder adds up to the whole of a delay to it, so the delays are halved here.
        ExponentialBuilder::new()
            .with_min_delay(self.first.min(self.longest) / 2)
            .with_max_delay(self.longest / 2)
            .without_max_times()
            .with_jitter()
            .with_jitter_seed(BuildHasherDefault::<DefaultHasher>::default().hash_one(seed))
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { first: Duration::from_millis(500), longest: Duration::from_mins(1) };

    fn wait(failures: usize, seed: u32) -> Duration {
        BACKOFF.waits(&seed.to_string()).nth(failures - 1).unwrap()
    }

    #[test]
    fn waits_double_up_to_the_longest_and_keep_half() {
        for (failures, whole_ms) in
            [(1, 500), (2, 1_000), (3, 2_000), (7, 32_000), (8, 60_000), (1_000, 60_000)]
        {
            for seed in 0..200 {
                let wait = wait(failures, seed).as_millis();
                assert!((whole_ms / 2..=whole_ms).contains(&wait), "{failures} failures: {wait} ms");
            }
        }
    }

    #[test]
    fn waits_do_not_exceed_the_longest_if_the_first_does() {
        let backoff = Backoff { first: Duration::from_mins(2), longest: Duration::from_mins(1) };
        let longest = Duration::from_secs(30)..=Duration::from_mins(1);
        assert!(backoff.waits("x").take(100).all(|wait| longest.contains(&wait)));
    }

    #[test]
    fn seeds_spread_the_waits() {
        let waits: std::collections::BTreeSet<_> = (0..100).map(|seed| wait(5, seed)).collect();
        assert!(waits.len() > 50, "{}", waits.len());
    }
}
