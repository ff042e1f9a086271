//! `/_miroir/instances`, `/_miroir/leases`, `/_miroir/replicas`: who does what, and what the nodes lack.

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
            "Every live instance, and what each does for all",
            instances,
        )
        .returns(200, "By name.", "InstanceList")
        .refuses(&[ErrorCode::MiroirStoreUnavailable]),
        Route::new(Method::GET, "/_miroir/leases", "leaseList", "Every running term of a role", leases)
            .returns(200, "By scope; none where one instance has the store for itself.", "LeaseList")
            .refuses(&[ErrorCode::MiroirStoreUnavailable]),
        Route::new(Method::GET, "/_miroir/replicas",
            "replicaList",
            "Which nodes lack something that others have",
            replicas,
        )
        .text("What the instance that is asked knows by itself. Of the one that sends the writes, it is the truth.")
        .returns(200, "By index and node.", "ReplicaReport"),
    ];
    routes.map(|route| route.admin().query(&[])).into()
}

async fn instances(apis: Arc<Apis>, _: Request) -> Outcome {
    Reply::results(&apis.instance.instance_list().await?)
}

async fn leases(apis: Arc<Apis>, _: Request) -> Outcome {
    Reply::results(&apis.instance.lease_list().await?)
}

/// What this instance knows by itself: only of the one that sends the writes is it the truth.
async fn replicas(apis: Arc<Apis>, _: Request) -> Outcome {
    Reply::json(StatusCode::OK, &apis.cluster.replicas())
}
