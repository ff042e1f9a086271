//! `/tasks`, and `/_miroir/tasks` with the node tasks of each task.

use std::sync::Arc;

use http::{Method, StatusCode};
use miroir_domain::error::ErrorCode;
use miroir_domain::task::TaskQuery;

use crate::Apis;
use crate::error_link::ErrorLinks;
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
    let mut list = apis.task.task_list(query).await?;
    let links = ErrorLinks::of(&request.headers);
    list.results
        .iter_mut()
        .filter_map(|task| task.error.as_mut())
        .for_each(|error| links.complete(&mut error.link));
    Reply::json(StatusCode::OK, &list)
}

async fn get(apis: Arc<Apis>, request: Request) -> Outcome {
    let uid = request.task()?;
    let mut task = apis.task.task_get(uid).await?;
    let links = ErrorLinks::of(&request.headers);
    task.error.iter_mut().for_each(|error| links.complete(&mut error.link));
    Ok(Reply::json(StatusCode::OK, &task)?.about(uid))
}

async fn detail(apis: Arc<Apis>, request: Request) -> Outcome {
    let uid = request.task()?;
    let mut detail = apis.task.task_detail(uid).await?;
    let links = ErrorLinks::of(&request.headers);
    let of_nodes = detail.node_tasks.values_mut().filter_map(|task| task.error.as_mut());
    let missed = detail.node_errors.values_mut().map(|miss| &mut miss.error);
    detail
        .task
        .error
        .iter_mut()
        .chain(of_nodes)
        .chain(missed)
        .for_each(|error| links.complete(&mut error.link));
    Ok(Reply::json(StatusCode::OK, &detail)?.about(uid))
}
