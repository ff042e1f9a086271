//! Chance that can be repeated: everything a run decides comes from one printed seed.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

/// A generator of 64-bit numbers: the `SplitMix64` of Steele, Lea and Flood (2014), with its constants.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The generator that a seed stands for.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A seed nobody has chosen.
    pub fn any_seed() -> u64 {
        RandomState::new().hash_one("seed")
    }

    /// A generator of its own for someone who runs beside others, so that who runs first changes nothing.
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

    /// A number from `0` to `bound - 1`. The tiny bias of a remainder does no harm here.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// True `percent` times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A span between two numbers of milliseconds, the later excluded.
    pub fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to.saturating_sub(from)))
    }

    /// `count` different numbers below `bound`, in order.
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
