//! Tasks.

use serde_json::{Value, json};

use super::server::{Server, lasting};

pub async fn summary_and_task_have_their_fields(server: &Server) {
    let accepted = server.send("POST", "/indexes/a/documents", json!([{ "id": 1 }])).await;
    assert_eq!(accepted.status, 202);
    let summary = &accepted.body;
    assert!(summary["enqueuedAt"].as_str().unwrap().ends_with('Z'), "{summary}");
    let expected = json!({
        "taskUid": 0, "indexUid": "a", "status": "enqueued", "type": "documentAdditionOrUpdate",
        "enqueuedAt": summary["enqueuedAt"],
    });
    assert_eq!(*summary, expected);
    let task = server.finished(&accepted).await;
    assert_eq!((&task["uid"], &task["enqueuedAt"]), (&json!(0), &summary["enqueuedAt"]));
    let duration = task["duration"].as_str().unwrap();
    assert!(duration.starts_with("PT") && duration.ends_with('S'), "{duration}");
    assert!(task["enqueuedAt"].as_str() <= task["startedAt"].as_str(), "{task}");
    assert!(task["startedAt"].as_str() <= task["finishedAt"].as_str(), "{task}");
    let expected = json!({
        "indexUid": "a", "status": "succeeded", "type": "documentAdditionOrUpdate", "canceledBy": null,
        "details": { "receivedDocuments": 1, "indexedDocuments": 1 }, "error": null,
    });
    assert_eq!(lasting(&task), expected);
}

pub async fn custom_metadata_is_kept_and_returned(server: &Server) {
    let path = "/indexes/a/documents?customMetadata=miroir%3A7";
    let accepted = server.send("POST", path, json!([{ "id": 1 }])).await;
    assert_eq!(accepted.body["customMetadata"], "miroir:7");
    assert_eq!(server.finished(&accepted).await["customMetadata"], "miroir:7");
    let accepted = server.request("DELETE", "/indexes/a/documents/1?customMetadata=m").await;
    assert_eq!(accepted.body["customMetadata"], "m");
    let accepted = server.send("POST", "/indexes/a/documents", json!([{ "id": 1 }])).await;
    assert_eq!(accepted.body.get("customMetadata"), None);
}

/// Creates four finished tasks: 0 and 1 create and fail to create `a`, 2 adds to `b`, 3 deletes `b`.
async fn four_tasks(server: &Server) {
    server.succeeds("POST", "/indexes", json!({ "uid": "a" })).await;
    server.done("POST", "/indexes", json!({ "uid": "a" })).await;
    server.succeeds("POST", "/indexes/b/documents", json!([{ "id": 1 }])).await;
    server.done_empty("DELETE", "/indexes/b").await;
}

fn uids(page: &Value) -> Vec<u64> {
    page["results"].as_array().unwrap().iter().map(|task| task["uid"].as_u64().unwrap()).collect()
}

fn envelope(page: &Value) -> Value {
    json!([page["total"], page["limit"], page["from"], page["next"]])
}

pub async fn listing_is_newest_first_and_paged(server: &Server) {
    four_tasks(server).await;
    let all = server.get("/tasks").await;
    assert_eq!((uids(&all), envelope(&all)), (vec![3, 2, 1, 0], json!([4, 20, 3, null])));
    let page = server.get("/tasks?limit=2").await;
    assert_eq!((uids(&page), envelope(&page)), (vec![3, 2], json!([4, 2, 3, 1])));
    let page = server.get("/tasks?limit=2&from=1").await;
    assert_eq!((uids(&page), envelope(&page)), (vec![1, 0], json!([4, 2, 1, null])));
    let page = server.get("/tasks?limit=0").await;
    assert_eq!((uids(&page), envelope(&page)), (vec![], json!([4, 0, null, 3])));
    assert_eq!(all["results"][0], server.get("/tasks/3").await);
}

pub async fn enqueued_at_has_nanoseconds_and_is_kept(server: &Server) {
    let mut instants = Vec::new();
    for uid in ["a", "b", "c", "d"] {
        let accepted = server.send("POST", "/indexes", json!({ "uid": uid })).await;
        let task = server.finished(&accepted).await;
        assert_eq!(task["enqueuedAt"], accepted.body["enqueuedAt"]);
        instants.push(task["enqueuedAt"].as_str().unwrap().to_owned());
    }
    // Trailing zeros are left out, so that one text of a thousand ends before the nanoseconds.
    let digits = |instant: &String| instant.split_once('.').map_or(0, |(_, fraction)| fraction.len() - 1);
    assert!(instants.iter().any(|instant| digits(instant) > 6), "{instants:?}");
    let list = server.get("/tasks?reverse=true").await;
    let listed: Vec<&Value> =
        list["results"].as_array().unwrap().iter().map(|task| &task["enqueuedAt"]).collect();
    assert_eq!(listed, instants.iter().collect::<Vec<_>>());
}

pub async fn listing_of_one_task_is_the_newest(server: &Server) {
    let page = server.get("/tasks?limit=1").await;
    assert_eq!((uids(&page), envelope(&page)), (vec![], json!([0, 1, null, null])));
    four_tasks(server).await;
    let page = server.get("/tasks?limit=1").await;
    assert_eq!((uids(&page), envelope(&page)), (vec![3], json!([4, 1, 3, 2])));
    assert_eq!(page["results"][0], server.get("/tasks/3").await);
    let page = server.get("/tasks?limit=1&from=99").await;
    assert_eq!((uids(&page), envelope(&page)), (vec![3], json!([4, 1, 3, 2])));
}

pub async fn listing_of_uids_leaves_out_missing_tasks(server: &Server) {
    four_tasks(server).await;
    for (query, expected, of_page) in [
        ("uids=2,0", vec![2, 0], json!([2, 20, 2, null])),
        ("uids=0,7&limit=1", vec![0], json!([1, 1, 0, null])),
        ("uids=0,2&limit=1", vec![2], json!([2, 1, 2, 0])),
        ("uids=7", vec![], json!([0, 20, null, null])),
        ("uids=", vec![], json!([0, 20, null, null])),
    ] {
        let page = server.get(&format!("/tasks?{query}")).await;
        assert_eq!((uids(&page), envelope(&page)), (expected, of_page), "{query}");
    }
}

pub async fn listing_is_filtered(server: &Server) {
    four_tasks(server).await;
    for (query, expected) in [
        ("uids=0,3", vec![3, 0]),
        ("statuses=failed", vec![1]),
        ("statuses=succeeded,failed", vec![3, 2, 1, 0]),
        ("statuses=enqueued,processing", vec![]),
        ("types=indexCreation", vec![1, 0]),
        ("types=INDEXcreation,indexDeletion", vec![3, 1, 0]),
        ("indexUids=b", vec![3, 2]),
        ("indexUids=a&statuses=succeeded", vec![0]),
        ("indexUids=*&uids=1", vec![1]),
        ("uids=77", vec![]),
    ] {
        let page = server.get(&format!("/tasks?{query}")).await;
        assert_eq!(uids(&page), expected, "{query}");
        assert_eq!(page["total"], expected.len(), "{query}");
    }
}

pub async fn listing_is_filtered_by_date(server: &Server) {
    four_tasks(server).await;
    let middle = server.get("/tasks/2").await["enqueuedAt"].as_str().unwrap().to_owned();
    for (query, expected) in [
        (format!("afterEnqueuedAt={middle}"), vec![3]),
        (format!("beforeEnqueuedAt={middle}"), vec![1, 0]),
        ("afterEnqueuedAt=2001-01-01".to_owned(), vec![3, 2, 1, 0]),
        ("beforeFinishedAt=2001-01-01T00:00:00Z".to_owned(), vec![]),
        ("afterStartedAt=2001-01-01".to_owned(), vec![3, 2, 1, 0]),
    ] {
        assert_eq!(uids(&server.get(&format!("/tasks?{query}")).await), expected, "{query}");
    }
}

pub async fn listing_is_reversed(server: &Server) {
    four_tasks(server).await;
    let page = server.get("/tasks?reverse=true&limit=2&from=1").await;
    assert_eq!((uids(&page), envelope(&page)), (vec![1, 2], json!([4, 2, 1, 3])));
}

pub async fn listing_refuses_bad_parameters(server: &Server) {
    let statuses = "Available statuses are `enqueued`, `processing`, `succeeded`, `failed`, `canceled`.";
    let unknown = "expected one of `limit`, `from`, `reverse`, `batchUids`, `uids`, `canceledBy`, `types`, `statuses`, \
                   `indexUids`, `afterEnqueuedAt`, `beforeEnqueuedAt`, `afterStartedAt`, `beforeStartedAt`, \
                   `afterFinishedAt`, `beforeFinishedAt`";
    let date = "It should follow the YYYY-MM-DD or RFC 3339 date-time format.";
    let number = "as a positive integer";
    for (query, code, message) in [
        ("foo=1", "bad_request", format!("Unknown parameter `foo`: {unknown}")),
        ("statuses=x", "invalid_task_statuses", format!("Invalid value in parameter `statuses`: `x` is not a valid task status. {statuses}")),
        ("statuses=failed,x,*", "invalid_task_statuses", format!("Invalid value in parameter `statuses[1]`: `x` is not a valid task status. {statuses}")),
        ("limit=x", "invalid_task_limit", format!("Invalid value in parameter `limit`: could not parse `x` {number}")),
        ("from=x", "invalid_task_from", format!("Invalid value in parameter `from`: could not parse `x` {number}")),
        ("uids=-1", "invalid_task_uids", format!("Invalid value in parameter `uids`: could not parse `-1` {number}")),
        ("reverse=x", "invalid_task_reverse", "Invalid value in parameter `reverse`: could not parse `x` as a boolean, expected either `true` or `false`".to_owned()),
        ("afterEnqueuedAt=x", "invalid_task_after_enqueued_at", format!("Invalid value in parameter `afterEnqueuedAt`: `x` is an invalid date-time. {date}")),
    ] {
        server.request("GET", &format!("/tasks?{query}")).await.refuses(400, code, &message);
    }
    let response = server.request("GET", "/tasks?types=x").await;
    assert_eq!((response.status, &response.body["code"]), (400, &json!("invalid_task_types")));
    let response = server.request("GET", "/tasks?indexUids=a%20b").await;
    assert_eq!((response.status, &response.body["code"]), (400, &json!("invalid_index_uid")));
}

pub async fn missing_task_is_not_found(server: &Server) {
    server.request("GET", "/tasks/99").await.refuses(404, "task_not_found", "Task `99` not found.");
    for uid in ["x", "-1", "99999999999"] {
        let message = format!("Task uid `{uid}` is invalid. It should only contain numeric characters.");
        server.request("GET", &format!("/tasks/{uid}")).await.refuses(400, "invalid_task_uids", &message);
    }
}

pub async fn cancel_and_delete_need_a_filter(server: &Server) {
    let names = "`uids`, `indexUids`, `statuses`, `types`, `canceledBy`, `beforeEnqueuedAt`, `afterEnqueuedAt`, \
                 `beforeStartedAt`, `afterStartedAt`, `beforeFinishedAt`, `afterFinishedAt`";
    for (method, path, verb) in [("POST", "/tasks/cancel", "cancel"), ("DELETE", "/tasks", "delete")] {
        let message = format!(
            "Query parameters to filter the tasks to {verb} are missing. Available query parameters are: {names}."
        );
        server.request(method, path).await.refuses(400, "missing_task_filters", &message);
    }
}

pub async fn deletion_removes_finished_tasks(server: &Server) {
    four_tasks(server).await;
    let accepted = server.request("DELETE", "/tasks?uids=0,1,77").await;
    assert_eq!((accepted.status, &accepted.body["indexUid"]), (200, &Value::Null));
    let task = server.finished(&accepted).await;
    let details = json!({ "matchedTasks": 2, "deletedTasks": 2, "originalFilter": "?uids=0,1,77" });
    assert_eq!((&task["type"], &task["details"]), (&json!("taskDeletion"), &details));
    assert_eq!(uids(&server.get("/tasks").await), [4, 3, 2]);
}

pub async fn cancelation_leaves_finished_tasks(server: &Server) {
    four_tasks(server).await;
    let accepted = server.request("POST", "/tasks/cancel?uids=0").await;
    assert_eq!((accepted.status, &accepted.body["type"]), (200, &json!("taskCancelation")));
    let task = server.finished(&accepted).await;
    let details = json!({ "matchedTasks": 1, "canceledTasks": 0, "originalFilter": "?uids=0" });
    assert_eq!(task["details"], details);
    assert_eq!(server.get("/tasks/0").await["status"], "succeeded");
}
