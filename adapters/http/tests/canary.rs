//! The routes of canaries, from the request to the port and back.

mod support;

use std::sync::Arc;

use miroir_domain::Timestamp;
use miroir_domain::canary::CanaryStatus;
use miroir_domain::error::ErrorCode;
use miroir_http::{Apis, HttpOptions};
use miroir_ports::inbound::{
    ApiError, CanaryList, CanaryOverview, CanaryPrecondition, CanaryReplaced, CanaryRunList, CanaryRunView,
    CanaryTotals, CanaryView, CaptureStarted, MockCanaryApi,
};
use serde_json::{Value, json};
use support::{Request, Server, panicking_apis};

const DEFINITION: &str = r#"{"name":"n","index":"films","intervalSeconds":60,"query":{"q":"x"},
    "assertions":[{"type":"min_hits","value":1}]}"#;

async fn server(canary: MockCanaryApi) -> Server {
    Server::start(Apis { canary: Arc::new(canary), ..panicking_apis() }, HttpOptions::default()).await
}

fn view(id: &str, version: u64) -> CanaryView {
    CanaryView {
        id: id.to_owned(),
        name: "n".to_owned(),
        index: "films".parse().unwrap(),
        interval_seconds: 60,
        query: json!({ "q": "x" }),
        assertions: json!([]),
        enabled: true,
        configured: id.starts_with("config:"),
        created_at: Timestamp::from_millis(0),
        version,
    }
}

fn canary_json(id: &str, version: u64) -> Value {
    json!({
        "id": id, "name": "n", "index": "films", "intervalSeconds": 60, "query": { "q": "x" }, "assertions": [],
        "enabled": true, "configured": id.starts_with("config:"), "createdAt": "1970-01-01T00:00:00.000Z",
        "version": version,
    })
}

fn run() -> CanaryRunView {
    CanaryRunView {
        ran_at: Timestamp::from_millis(0),
        status: CanaryStatus::Fail,
        latency_ms: 7,
        failed_assertions: json!([{ "observed": 3 }]),
    }
}

fn run_json() -> Value {
    json!({
        "ranAt": "1970-01-01T00:00:00.000Z", "status": "fail", "latencyMs": 7,
        "failedAssertions": [{ "observed": 3 }],
    })
}

#[tokio::test]
async fn creation_returns_201_with_the_canary_and_its_version() {
    let mut canary = MockCanaryApi::new();
    canary.expect_canary_create().returning(|definition| {
        assert_eq!((definition.name(), definition.assertions().len()), ("n", 1));
        Ok(view(definition.id().map_or("made", |id| id.as_str()), 1))
    });
    let server = server(canary).await;
    let response = server.send(&Request::new("POST", "/_miroir/canaries").json(DEFINITION)).await;
    assert_eq!((response.status, response.json()), (201, canary_json("made", 1)));
    assert_eq!(response.header("etag"), Some("\"1\""));
    let named = DEFINITION.replacen('{', r#"{"id":"mine","#, 1);
    let response = server.send(&Request::new("POST", "/_miroir/canaries").json(&named)).await;
    assert_eq!(response.json()["id"], "mine");
}

#[tokio::test]
async fn reads_return_the_result_of_the_port() {
    let mut canary = MockCanaryApi::new();
    canary.expect_canary_get().returning(|id| Ok(view(id.as_str(), 9)));
    canary.expect_canary_list().returning(|after, limit| {
        let next = after.clone();
        Ok(CanaryList { results: vec![view(&after.unwrap_or_else(|| "a".to_owned()), 2)], limit, next })
    });
    canary.expect_canary_runs().returning(|_, limit| Ok(CanaryRunList { results: vec![run()], limit }));
    canary.expect_canary_status().returning(|| {
        let totals = CanaryTotals { runs: 3, failures: 2, errors: 1 };
        Ok(CanaryOverview { results: Vec::new(), totals })
    });
    let server = server(canary).await;
    for (path, body) in [
        ("/_miroir/canaries", json!({ "results": [canary_json("a", 2)], "limit": 20, "next": null })),
        (
            "/_miroir/canaries?after=b&limit=1000",
            json!({ "results": [canary_json("b", 2)], "limit": 1000, "next": "b" }),
        ),
        ("/_miroir/canaries/a", canary_json("a", 9)),
        ("/_miroir/canaries/config:top", canary_json("config:top", 9)),
        ("/_miroir/canaries/config%3Atop", canary_json("config:top", 9)),
        ("/_miroir/canaries/a/runs?limit=1", json!({ "results": [run_json()], "limit": 1 })),
        ("/_miroir/canaries/a/runs", json!({ "results": [run_json()], "limit": 20 })),
        (
            "/_miroir/canaries/status",
            json!({ "results": [], "totals": { "runs": 3, "failures": 2, "errors": 1 } }),
        ),
    ] {
        let response = server.get(path).await;
        assert_eq!((response.status, response.json()), (200, body), "{path}");
    }
    assert_eq!(server.get("/_miroir/canaries/a").await.header("etag"), Some("\"9\""));
    assert_eq!(server.get("/_miroir/canaries").await.header("etag"), None);
}

#[tokio::test]
async fn replacement_passes_the_version_of_if_match_to_the_port() {
    for (header, expected) in [
        (None, Some(CanaryPrecondition::None)),
        (Some("*"), Some(CanaryPrecondition::Exists)),
        (Some("\"3\""), Some(CanaryPrecondition::Version(3))),
        (Some("3"), Some(CanaryPrecondition::Version(3))),
        (Some("W/\"3\""), Some(CanaryPrecondition::Version(3))),
        (Some("\"18446744073709551615\""), Some(CanaryPrecondition::Version(u64::MAX))),
        (Some("\"18446744073709551616\""), None),
        (Some("\"1\", \"2\""), None),
        (Some("\"+3\""), None),
        (Some("\"a\""), None),
        (Some("\"\""), None),
        (Some(""), None),
    ] {
        let mut canary = MockCanaryApi::new();
        canary.expect_canary_replace().returning(move |id, _, precondition| {
            assert_eq!(Some(precondition), expected);
            Ok(CanaryReplaced {
                canary: view(id.as_str(), 4),
                created: precondition == CanaryPrecondition::None,
            })
        });
        let server = server(canary).await;
        let request = Request::new("PUT", "/_miroir/canaries/a").json(DEFINITION);
        let request = header.map_or(request.clone(), |header| request.header("If-Match", header));
        let response = server.send(&request).await;
        match expected {
            Some(precondition) => {
                let status = if precondition == CanaryPrecondition::None { 201 } else { 200 };
                assert_eq!((response.status, response.json()), (status, canary_json("a", 4)), "{header:?}");
                assert_eq!(response.header("etag"), Some("\"4\""));
            }
            None => {
                assert_eq!((response.status, response.code().as_str()), (400, "bad_request"), "{header:?}");
            }
        }
    }
    let twice = Request::new("PUT", "/_miroir/canaries/a").json(DEFINITION);
    let twice = twice.header("If-Match", "\"1\"").header("If-Match", "\"1\"");
    assert_eq!(server(MockCanaryApi::new()).await.send(&twice).await.status, 400);
}

#[tokio::test]
async fn replacement_refuses_a_body_that_names_another_canary() {
    let mut canary = MockCanaryApi::new();
    canary
        .expect_canary_replace()
        .returning(|id, _, _| Ok(CanaryReplaced { canary: view(id.as_str(), 4), created: false }));
    let server = server(canary).await;
    let named = |id: &str| DEFINITION.replacen('{', &format!(r#"{{"id":"{id}","#), 1);
    let same = server.send(&Request::new("PUT", "/_miroir/canaries/a").json(&named("a"))).await;
    assert_eq!(same.status, 200);
    let other = server.send(&Request::new("PUT", "/_miroir/canaries/a").json(&named("b"))).await;
    assert_eq!((other.status, other.code().as_str()), (400, "miroir_invalid_canary"));
    assert!(other.message().contains("the path names the canary `a`, and the body `b`"), "{}", other.body);
}

#[tokio::test]
async fn deletion_run_and_capture_reach_the_port() {
    let mut canary = MockCanaryApi::new();
    canary.expect_canary_delete().returning(|_| Ok(()));
    canary.expect_canary_run().returning(|_| Ok(run()));
    canary.expect_canary_capture().returning(|request| {
        Ok(CaptureStarted {
            index: request.index,
            count: request.count,
            name: request.name,
            until: Timestamp::from_millis(0),
            message: "so be it".to_owned(),
        })
    });
    let server = server(canary).await;
    let deleted = server.send(&Request::new("DELETE", "/_miroir/canaries/a")).await;
    assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
    assert_eq!(deleted.header("content-type"), None);
    let ran = server.send(&Request::new("POST", "/_miroir/canaries/a/run")).await;
    assert_eq!((ran.status, ran.json()), (200, run_json()));
    let body = r#"{"index":"films","count":3,"name":"shop"}"#;
    let capturing = server.send(&Request::new("POST", "/_miroir/canaries/capture").json(body)).await;
    let expected = json!({
        "index": "films", "count": 3, "name": "shop", "until": "1970-01-01T00:00:00.000Z", "message": "so be it",
    });
    assert_eq!((capturing.status, capturing.json()), (202, expected));
}

#[tokio::test]
async fn errors_of_the_port_have_their_status() {
    for (code, status) in [
        (ErrorCode::MiroirCanaryNotFound, 404),
        (ErrorCode::MiroirCanaryExists, 409),
        (ErrorCode::MiroirCanaryConfigured, 409),
        (ErrorCode::MiroirCanaryVersionMismatch, 412),
        (ErrorCode::MiroirInvalidCanary, 400),
    ] {
        let mut canary = MockCanaryApi::new();
        canary.expect_canary_get().returning(move |_| Err(ApiError::refused(code, "because")));
        let response = server(canary).await.get("/_miroir/canaries/a").await;
        assert_eq!((response.status, response.code()), (status, code.as_str().to_owned()));
    }
}
