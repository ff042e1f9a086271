//! How long to wait after failures.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

/// Doubles from `first` to `longest`.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// The wait after the first failure.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
}

impl Backoff {
    /// The wait after so many failures in a row: between half of `first · 2^(failures − 1)`, at most `longest`, and all of
    /// it. `luck` decides where, so that many senders do not come back at one moment. What the receiver asked for is
    /// waited for whole.
    pub fn wait(self, failures: u32, asked: Option<Duration>, luck: &str) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let whole = self.first.saturating_mul(1 << doublings).min(self.longest);
        let mut hasher = DefaultHasher::new();
        luck.hash(&mut hasher);
        let share = u32::try_from(hasher.finish() % 1_000).unwrap_or_default();
        let jittered = whole / 2 + whole / 2 * share / 1_000;
        jittered.max(asked.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { first: Duration::from_millis(500), longest: Duration::from_mins(1) };

    #[test]
    fn wait_doubles_up_to_the_longest_and_keeps_half() {
        for (failures, whole_ms) in
            [(1, 500), (2, 1_000), (3, 2_000), (7, 32_000), (8, 60_000), (u32::MAX, 60_000)]
        {
            for luck in 0..200 {
                let wait = BACKOFF.wait(failures, None, &luck.to_string()).as_millis();
                assert!((whole_ms / 2..=whole_ms).contains(&wait), "{failures} failures: {wait} ms");
            }
        }
    }

    #[test]
    fn lucks_spread_the_wait() {
        let waits: std::collections::BTreeSet<_> =
            (0..100).map(|luck| BACKOFF.wait(5, None, &luck.to_string())).collect();
        assert!(waits.len() > 50, "{}", waits.len());
    }

    #[test]
    fn receiver_that_asks_for_longer_gets_it() {
        let asked = Some(Duration::from_hours(1));
        assert_eq!(BACKOFF.wait(1, asked, "x"), Duration::from_hours(1));
        let shorter = Some(Duration::from_millis(1));
        assert!(BACKOFF.wait(1, shorter, "x") >= Duration::from_millis(250));
    }
}
