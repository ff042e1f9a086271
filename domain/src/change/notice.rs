//! Events about other things than documents: a gap, a run of a canary.

use serde_json::{Value, json};

use super::event::{cloud_event, of_epoch};
use crate::canary::{Canary, CanaryRun, CanaryStatus};
use crate::{IndexUid, Timestamp};

/// Returns the event that replaces the events numbered `from` to `to`, which were dropped before the sink
/// confirmed them. Its `id` differs from that of every numbered event, and is the same at every delivery.
pub fn gap_event(source: &str, index: &IndexUid, epoch: u64, time: Timestamp, from: u64, to: u64) -> Value {
    let data = json!({ "from": from, "to": to });
    let mut event = cloud_event(source, index, time, "io.miroir.changes.lost", &data);
    event["id"] = Value::String(format!("{index}:{epoch}:lost:{from}-{to}"));
    of_epoch(event, epoch)
}

/// Returns the event of a run of a canary, without a number.
pub fn canary_event(source: &str, canary: &Canary, run: &CanaryRun) -> Value {
    let event_type = match run.status {
        CanaryStatus::Pass => "io.miroir.canary.passed",
        CanaryStatus::Fail => "io.miroir.canary.failed",
        CanaryStatus::Error => "io.miroir.canary.errored",
    };
    let data = json!({
        "canaryId": canary.id,
        "name": canary.name,
        "latencyMs": run.latency_ms,
        "failedAssertions": run.failed_assertions,
    });
    cloud_event(source, &canary.index_uid, run.ran_at, event_type, &data)
}
