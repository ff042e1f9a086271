//! `/_miroir/instances`, `/_miroir/leases`, `/_miroir/replicas`: who does what, and what the nodes lack.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::json;

use crate::Apis;
use crate::reply::{Outcome, Reply};
use crate::request::Request;
use crate::route::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/_miroir/instances", Access::Admin, instances).query(&[]),
        Route::new(Method::GET, "/_miroir/leases", Access::Admin, leases).query(&[]),
        Route::new(Method::GET, "/_miroir/replicas", Access::Admin, replicas).query(&[]),
    ]
}

async fn instances(apis: Arc<Apis>, _: Request) -> Outcome {
    let results = apis.instance.instance_list().await?;
    Reply::json(StatusCode::OK, &json!({ "results": results }))
}

async fn leases(apis: Arc<Apis>, _: Request) -> Outcome {
    let results = apis.instance.lease_list().await?;
    Reply::json(StatusCode::OK, &json!({ "results": results }))
}

/// What this instance knows by itself: only of the one that sends the writes is it the truth.
async fn replicas(apis: Arc<Apis>, _: Request) -> Outcome {
    Reply::json(StatusCode::OK, &apis.cluster.replicas())
}
