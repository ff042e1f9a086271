//! The pauses between attempts to open a store. Another process may be about to release it, or a server about
//! to start.

use std::time::Duration;

use backon::ExponentialBuilder;

/// Five attempts within three seconds; each pause is twice as long as the one before.
pub(super) const OPENING: ExponentialBuilder =
    ExponentialBuilder::new().with_min_delay(Duration::from_millis(200)).with_factor(2.0).with_max_times(4);
