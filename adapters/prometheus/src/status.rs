//! The statuses that are values of labels.

use miroir_domain::canary::CanaryStatus;
use miroir_domain::health::NodeStatus;

/// Every status of a run of a canary.
pub(super) const CANARY_STATUSES: [CanaryStatus; 3] =
    [CanaryStatus::Pass, CanaryStatus::Fail, CanaryStatus::Error];

/// Every status of a node, with its word.
pub(super) const NODE_STATUSES: [(NodeStatus, &str); 3] =
    [(NodeStatus::Healthy, "healthy"), (NodeStatus::Degraded, "degraded"), (NodeStatus::Failed, "failed")];
