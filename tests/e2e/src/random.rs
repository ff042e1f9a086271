//! Reproducible randomness: all decisions of a run follow from one printed seed.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

/// A generator of 64-bit numbers: the `SplitMix64` of Steele, Lea and Flood (2014), with its constants.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Creates the generator of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a random seed.
    pub fn any_seed() -> u64 {
        RandomState::new().hash_one("seed")
    }

    /// Returns a generator for a concurrent task, whose numbers do not depend on the order of execution.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number from `0` to `bound - 1`. The bias of the remainder is negligible here.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// Returns true with a probability of `percent`.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Returns a duration of at least `from` and less than `to` milliseconds.
    pub fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to.saturating_sub(from)))
    }

    /// Returns `count` different numbers below `bound`, in order.
    pub fn some_of(&mut self, count: u64, bound: u64) -> Vec<u64> {
        let mut left = count.min(bound);
        let mut chosen = Vec::new();
        for number in 0..bound {
            if self.below(bound - number) < left {
                chosen.push(number);
                left -= 1;
            }
        }
        chosen
    }
}
