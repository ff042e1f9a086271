//! `/tasks`, and what operators see of one.

use miroir_domain::error::ErrorCode;

use super::Operation;

pub(super) fn operations() -> Vec<Operation> {
    let one = |path, id, summary| {
        Operation::new("GET", path, id, summary).refuses(&[
            ErrorCode::InvalidTaskUids,
            ErrorCode::TaskNotFound,
            ErrorCode::MiroirStoreUnavailable,
        ])
    };
    let about =
        [
            Operation::new("GET", "/tasks", "taskList", "Tasks, newest first")
                .takes_all("tasks.")
                .answers(200, "The page.", "TaskList")
                .refuses_all("invalid_task_")
                .refuses(&[
                    ErrorCode::InvalidBatchUids,
                    ErrorCode::InvalidIndexUid,
                    ErrorCode::MiroirStoreUnavailable,
                ]),
            one("/tasks/{task_uid}", "taskGet", "One task").answers(200, "The task.", "Task"),
            one("/_miroir/tasks/{task_uid}", "taskDetail", "One task, and every node behind it")
                .admin()
                .answers(200, "The task.", "TaskDetail"),
        ];
    about.into_iter().map(|operation| operation.tag("tasks")).collect()
}
