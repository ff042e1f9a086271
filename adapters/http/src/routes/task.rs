//! `/tasks`, and `/_miroir/tasks` with the node tasks of each task.

use std::sync::Arc;

use http::{Method, StatusCode};
use miroir_domain::error::ErrorCode;
use miroir_domain::task::TaskQuery;

use crate::Apis;
use crate::reply::{Outcome, Reply};
use crate::request::Request;
use crate::route::Route;

/// The query parameters that [`TaskQuery::parse`] reads.
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

const ONE_TASK: &[ErrorCode] =
    &[ErrorCode::InvalidTaskUids, ErrorCode::TaskNotFound, ErrorCode::MiroirStoreUnavailable];

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/tasks", "taskList", "List tasks", list)
            .parsed_query(QUERY)
            .returns(200, "A page of tasks, newest first.", "TaskList")
            .refuses_all("invalid_task_")
            .refuses(&[
                ErrorCode::InvalidBatchUids,
                ErrorCode::InvalidIndexUid,
                ErrorCode::MiroirStoreUnavailable,
            ]),
        Route::new(Method::GET, "/tasks/{task_uid}", "taskGet", "Get a task", get)
            .returns(200, "The task.", "Task")
            .refuses(ONE_TASK),
        Route::new(
            Method::GET,
            "/_miroir/tasks/{task_uid}",
            "taskDetail",
            "Get a task with its node tasks",
            detail,
        )
        .admin()
        .returns(200, "The task.", "TaskDetail")
        .refuses(ONE_TASK),
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
