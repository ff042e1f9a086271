//! `/_miroir/instances`, `/_miroir/leases`, `/_miroir/replicas`.

use miroir_domain::error::ErrorCode;

use super::Operation;

pub(super) fn operations() -> Vec<Operation> {
    let about = [
        Operation::new("GET", "/_miroir/instances", "instanceList", "Every live instance, and what each does for all")
            .answers(200, "By name.", "InstanceList")
            .refuses(&[ErrorCode::MiroirStoreUnavailable]),
        Operation::new("GET", "/_miroir/leases", "leaseList", "Every running term of a role")
            .answers(200, "By scope; none where one instance has the store for itself.", "LeaseList")
            .refuses(&[ErrorCode::MiroirStoreUnavailable]),
        Operation::new("GET", "/_miroir/replicas", "replicaList", "Which nodes lack something that others have")
            .description("What the instance that is asked knows by itself. Of the one that sends the writes, it is the truth.")
            .answers(200, "By index and node.", "ReplicaReport"),
    ];
    let shared = [ErrorCode::BadRequest];
    about.into_iter().map(|operation| operation.tag("instances").admin().refuses(&shared)).collect()
}
