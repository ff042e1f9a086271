//! `/tasks`, and `/_miroir/tasks` with the nodes behind each.

use std::sync::Arc;

use http::{Method, StatusCode};
use miroir_domain::task::TaskQuery;

use crate::Apis;
use crate::reply::{Outcome, Reply};
use crate::request::Request;
use crate::route::{Access, Route};

/// As [`TaskQuery::parse`] reads them.
const QUERY: &[&str] = &[
    "tasks.limit",
    "tasks.from",
    "tasks.reverse",
    "tasks.batchUids",
    "tasks.uids",
    "tasks.canceledBy",
    "tasks.types",
    "tasks.statuses",
    "tasks.indexUids",
    "tasks.afterEnqueuedAt",
    "tasks.beforeEnqueuedAt",
    "tasks.afterStartedAt",
    "tasks.beforeStartedAt",
    "tasks.afterFinishedAt",
    "tasks.beforeFinishedAt",
];

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::client(Method::GET, "/tasks", list).parsed_query(QUERY),
        Route::client(Method::GET, "/tasks/{task_uid}", get),
        Route::new(Method::GET, "/_miroir/tasks/{task_uid}", Access::Admin, detail),
    ]
}

async fn list(apis: Arc<Apis>, request: Request) -> Outcome {
    let query = TaskQuery::parse(request.query.pairs())?;
    Reply::json(StatusCode::OK, &apis.task.task_list(query).await?)
}

async fn get(apis: Arc<Apis>, request: Request) -> Outcome {
    let uid = request.task()?;
    Ok(Reply::json(StatusCode::OK, &apis.task.task_get(uid).await?)?.about(uid))
}

async fn detail(apis: Arc<Apis>, request: Request) -> Outcome {
    let uid = request.task()?;
    Ok(Reply::json(StatusCode::OK, &apis.task.task_detail(uid).await?)?.about(uid))
}
