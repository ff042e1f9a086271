//! Plans that decide which calls fail.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;

/// The outcome of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The call succeeds.
    None,
    /// The call does not reach the store, and the caller is notified of that.
    NotApplied,
    /// The call does not reach the store, and the caller cannot know.
    LostBefore,
    /// The store carries the call out, but the response is lost.
    LostAfter,
    /// The call succeeds after a delay.
    Delay(Duration),
}

/// A decision on each call.
#[async_trait]
pub trait Plan: Send + Sync + 'static {
    /// Returns the outcome of a call of `method`. It may wait: a plan that never returns stands for a store
    /// that never responds.
    async fn next(&self, method: &'static str) -> Fault;
}

/// Faults by the name of a method, each for one call, in their order. Other calls succeed.
#[derive(Debug, Default)]
pub struct Script(Mutex<BTreeMap<&'static str, VecDeque<Fault>>>);

impl Script {
    /// Adds the outcomes of the next calls of `method`, after those that were added before.
    pub fn then(&self, method: &'static str, faults: impl IntoIterator<Item = Fault>) {
        self.0.lock().entry(method).or_default().extend(faults);
    }

    /// Makes the next `times` calls of `method` fail without effect.
    pub fn fail(&self, method: &'static str, times: usize) {
        self.then(method, std::iter::repeat_n(Fault::NotApplied, times));
    }

    /// Takes the outcome of the next call of `method`.
    pub fn take(&self, method: &'static str) -> Fault {
        self.0.lock().get_mut(method).and_then(VecDeque::pop_front).unwrap_or(Fault::None)
    }
}

#[async_trait]
impl Plan for Script {
    async fn next(&self, method: &'static str) -> Fault {
        self.take(method)
    }
}

/// Faults at random.
#[derive(Debug)]
pub struct Chance {
    /// The state of a linear congruential generator (the constants are Knuth's, of MMIX).
    state: Mutex<u64>,
    /// The average number of calls for each that fails.
    one_in: u64,
}

impl Chance {
    /// Creates a plan by which one call in `one_in`, or every call if that is 0, fails on average, in one of
    /// three ways. The same `seed` gives the same outcomes.
    pub fn new(seed: u64, one_in: u64) -> Self {
        Self { state: Mutex::new(seed), one_in: one_in.max(1) }
    }

    /// Returns the outcome of the next call.
    pub fn roll(&self) -> Fault {
        if !self.number().is_multiple_of(self.one_in) {
            return Fault::None;
        }
        match self.number() % 3 {
            0 => Fault::NotApplied,
            1 => Fault::LostBefore,
            _ => Fault::LostAfter,
        }
    }

    fn number(&self) -> u64 {
        let mut state = self.state.lock();
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // The low bits of such a generator have short periods.
        *state >> 33
    }
}

#[async_trait]
impl Plan for Chance {
    async fn next(&self, _method: &'static str) -> Fault {
        self.roll()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn script_fails_calls_by_method_and_then_lets_them_through() {
        let script = Script::default();
        script.fail("a", 2);
        script.then("b", [Fault::LostAfter]);
        let mut seen = Vec::new();
        for method in ["a", "b", "a", "a", "b"] {
            seen.push(script.next(method).await);
        }
        let expected = [Fault::NotApplied, Fault::LostAfter, Fault::NotApplied, Fault::None, Fault::None];
        assert_eq!(seen, expected);
    }

    #[tokio::test]
    async fn chance_repeats_from_a_seed_and_fails_at_its_rate() {
        let (one, other) = (Chance::new(7, 10), Chance::new(7, 10));
        let mut failed = 0;
        for _ in 0..10_000 {
            let fault = one.next("m").await;
            assert_eq!(fault, other.next("m").await);
            failed += u32::from(fault != Fault::None);
        }
        assert!((800..1_200).contains(&failed), "{failed}");
    }
}
