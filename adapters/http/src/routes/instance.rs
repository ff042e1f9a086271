//! `/_miroir/instances`, `/_miroir/leases` and `/_miroir/replicas`: instances, their leases, and stale
//! replicas.

use std::sync::Arc;

use http::{Method, StatusCode};
use miroir_domain::error::ErrorCode;

use crate::Apis;
use crate::reply::{Outcome, Reply};
use crate::request::Request;
use crate::route::Route;

pub(super) fn routes() -> Vec<Route> {
    let routes = [
        Route::new(Method::GET, "/_miroir/instances",
            "instanceList",
            "List live instances and their roles",
            instances,
        )
        .returns(200, "Instances, ordered by name.", "InstanceList")
        .refuses(&[ErrorCode::MiroirStoreUnavailable]),
        Route::new(Method::GET, "/_miroir/leases", "leaseList", "List current leases", leases)
            .returns(200, "Leases, ordered by role. Empty if a single instance uses the store.", "LeaseList")
            .refuses(&[ErrorCode::MiroirStoreUnavailable]),
        Route::new(Method::GET, "/_miroir/replicas",
            "replicaList",
            "List stale replicas",
            replicas,
        )
        .text("The report contains the replicas known to the instance that responds. Only the leader knows all of them.")
        .returns(200, "Stale replicas, by index and node.", "ReplicaReport"),
    ];
    routes.map(|route| route.admin().query(&[])).into()
}

async fn instances(apis: Arc<Apis>, _: Request) -> Outcome {
    Reply::results(&apis.instance.instance_list().await?)
}

async fn leases(apis: Arc<Apis>, _: Request) -> Outcome {
    Reply::results(&apis.instance.lease_list().await?)
}

/// Returns the stale replicas that this instance knows. Only the leader knows all of them.
async fn replicas(apis: Arc<Apis>, _: Request) -> Outcome {
    Reply::json(StatusCode::OK, &apis.cluster.replicas())
}
