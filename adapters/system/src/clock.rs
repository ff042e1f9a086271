//! The time of day, and a clock that a test moves.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use miroir_domain::Timestamp;
use miroir_ports::outbound::Clock;

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    millis: AtomicI64,
}

impl ManualClock {
    /// Creates a clock that shows `start`.
    pub fn new(start: Timestamp) -> Self {
        Self { millis: AtomicI64::new(start.as_millis()) }
    }

    /// Moves the clock forward.
    pub fn advance(&self, span: Duration) {
        // The closure always returns `Some`, so the update cannot fail; both outcomes carry the previous
        // value.
        let _ = self.millis.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |millis| {
            Some(Timestamp::from_millis(millis).plus(span).as_millis())
        });
    }

    /// Sets the clock. It may also go back, as the clock of a machine may.
    pub fn set(&self, now: Timestamp) {
        self.millis.store(now.as_millis(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.millis.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "compares with the machine's clock")]
    fn system_clock_agrees_with_the_machine() {
        let millis = || {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
            i64::try_from(since.as_millis()).unwrap()
        };
        let before = millis();
        let now = SystemClock.now().as_millis();
        assert!((before..=millis()).contains(&now), "{now} is not between {before} and now");
    }

    #[test]
    fn manual_clock_stands_still_until_moved() {
        let clock = ManualClock::new(Timestamp::from_millis(1_000));
        assert_eq!(clock.now().as_millis(), 1_000);
        clock.advance(Duration::from_millis(500));
        assert_eq!(clock.now().as_millis(), 1_500);
        clock.set(Timestamp::from_millis(7));
        assert_eq!(clock.now().as_millis(), 7);
    }
}
