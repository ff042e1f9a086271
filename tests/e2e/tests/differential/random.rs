//! Pseudo-random numbers, the same in every run.

/// `SplitMix64` (Steele, Lea, Flood 2014): short, and good enough for test data.
pub struct Random(u64);

impl Random {
    /// Creates a generator. The same seed gives the same numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("a bound fits 64 bits");
        usize::try_from(self.next() % bound).expect("less than a usize")
    }

    /// Returns a number in `low..=high`.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// Returns true in `percent` of 100 cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Returns one of `items`.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// Returns a position below `bound`, small ones with the frequencies of Zipf's law.
    pub fn zipf(&mut self, bound: usize) -> usize {
        // Equal probabilities for equal ratios: the inverse of the distribution function of 1/x.
        let exponent = f64::from(u32::try_from(self.below(1 << 24)).expect("24 bits")) / f64::from(1 << 24);
        let limit = f64::from(u32::try_from(bound).expect("a small bound"));
        let place = limit.powf(exponent).floor();
        (1..=bound).take_while(|step| f64::from(u32::try_from(*step).expect("small")) < place).count()
    }

    /// Shuffles `items`.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            items.swap(place, self.below(place + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zipf_prefers_small_places_and_stays_below_its_bound() {
        let mut random = Random::new(1);
        let mut counts = [0; 50];
        for _ in 0..10_000 {
            counts[random.zipf(50)] += 1;
        }
        assert!(counts[0] > 1_000 && counts[0] > 5 * counts[10], "{counts:?}");
        assert!(counts[40..].iter().sum::<usize>() > 0, "{counts:?}");
    }

    #[test]
    fn the_same_seed_gives_the_same_order() {
        let shuffled = |seed| {
            let mut items: Vec<u8> = (0..20).collect();
            Random::new(seed).shuffle(&mut items);
            items
        };
        assert_eq!(shuffled(7), shuffled(7));
        assert_ne!(shuffled(7), shuffled(8));
    }
}
