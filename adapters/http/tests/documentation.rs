//! The page that explains the error codes of Miroir, and the links that lead to it.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use miroir_domain::canary::CanaryStatus;
use miroir_domain::error::ErrorCode;
use miroir_domain::task::{NodeMiss, TaskDetailView, TaskView};
use miroir_domain::{ShardSet, TaskUid, Timestamp};
use miroir_http::{Apis, HttpOptions, Secret};
use miroir_ports::inbound::{
    ApiError, CanaryRunList, CanaryRunView, MockCanaryApi, MockIndexApi, MockTaskApi, TaskList,
};
use serde_json::{Value, json};
use support::{Request, Response, Server, panicking_apis, task_view};

const PAGE: &str = include_str!("../../../docs/errors.md");
/// The files that an image is built from.
const IMAGE_FILES: &str = include_str!("../../../.dockerignore");

fn codes_of_miroir() -> impl Iterator<Item = ErrorCode> {
    ErrorCode::ALL.iter().copied().filter(|code| code.as_str().starts_with("miroir_"))
}

#[test]
fn every_code_of_miroir_has_a_section_with_status_cause_and_remedy() {
    for code in codes_of_miroir() {
        let heading = format!("\n## {}\n", code.as_str());
        assert_eq!(code.link(), format!("/_miroir/docs/errors#{}", code.as_str()));
        let start =
            PAGE.find(&heading).unwrap_or_else(|| panic!("docs/errors.md has no `{}`", heading.trim()));
        let section = &PAGE[start + heading.len()..];
        let section = section.split("\n## ").next().unwrap();
        for part in ["**Status:**", "**When:**", "**What to do:**"] {
            assert!(section.contains(part), "{}: no {part}", code.as_str());
        }
    }
}

#[test]
fn every_section_of_the_page_is_about_a_current_code() {
    for heading in PAGE.lines().filter_map(|line| line.strip_prefix("## miroir_")) {
        let code = format!("miroir_{heading}");
        assert!(ErrorCode::ALL.iter().any(|known| known.as_str() == code), "{code}");
    }
}

#[test]
fn page_is_part_of_the_image_build() {
    assert!(IMAGE_FILES.lines().any(|line| line == "!docs/errors.md"));
}

/// Starts a server whose index port refuses every read with `code`.
async fn refusing(code: ErrorCode) -> Server {
    let mut index = MockIndexApi::new();
    index.expect_index_get().returning(move |_| Err(ApiError::refused(code, "because")));
    let options = HttpOptions { admin_key: Some(Secret::new("a")), ..HttpOptions::default() };
    Server::start(Apis { index: Arc::new(index), ..panicking_apis() }, options).await
}

fn link(response: &Response) -> String {
    response.json()["link"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn links_of_every_code_of_miroir_open_at_their_section_without_a_key() {
    for code in codes_of_miroir() {
        let server = refusing(code).await;
        let link = link(&server.get("/indexes/m").await);
        let (url, anchor) = link.split_once('#').unwrap();
        let path = url.strip_prefix("http://test").unwrap_or_else(|| panic!("{link} is not absolute"));
        assert_eq!(anchor, code.as_str());

        let markdown = server.get(path).await;
        assert_eq!(
            (markdown.status, markdown.header("content-type")),
            (200, Some("text/markdown; charset=utf-8"))
        );
        assert!(markdown.body.contains(&format!("\n## {anchor}\n")), "{link}");

        let browser = Request::new("GET", path).header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        let html = server.send(&browser).await;
        assert_eq!((html.status, html.header("content-type")), (200, Some("text/html; charset=utf-8")));
        assert!(html.body.contains(&format!("<h2 id=\"{anchor}\">")), "{link}");
    }
}

#[tokio::test]
async fn page_is_the_stored_one_and_its_html_is_escaped() {
    let server = refusing(ErrorCode::MiroirTimeout).await;
    let page = server.get("/_miroir/docs/errors").await;
    assert!(page.body == PAGE);
    let html = server.send(&Request::new("GET", "/_miroir/docs/errors").header("Accept", "text/html")).await;
    for line in PAGE.lines().filter(|line| !line.starts_with("## ")) {
        let escaped = line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        assert!(html.body.contains(&escaped), "{line}");
    }
}

#[tokio::test]
async fn links_have_the_host_and_the_scheme_of_the_client() {
    let server = refusing(ErrorCode::MiroirNoQuorum).await;
    let behind_proxy = Request::new("GET", "/indexes/m")
        .header("X-Forwarded-Host", "search.example.com")
        .header("X-Forwarded-Proto", "https");
    let expected = "https://search.example.com/_miroir/docs/errors#miroir_no_quorum";
    assert_eq!(link(&server.send(&behind_proxy).await), expected);
    let server = refusing(ErrorCode::IndexNotFound).await;
    let expected = "https://docs.meilisearch.com/errors#index_not_found";
    assert_eq!(link(&server.send(&behind_proxy).await), expected);
}

#[tokio::test]
async fn links_of_failed_tasks_are_absolute() {
    let error = || ErrorCode::MiroirReservedField.with_message("because");
    let failed = move |uid| TaskView { error: Some(error()), ..task_view(uid) };
    let mut task = MockTaskApi::new();
    task.expect_task_get().returning(move |uid| Ok(failed(uid)));
    task.expect_task_list().returning(move |_| {
        Ok(TaskList {
            results: vec![failed(TaskUid(1)), task_view(TaskUid(0))],
            total: 2,
            limit: 2,
            from: None,
            next: None,
        })
    });
    task.expect_task_detail().returning(move |uid| {
        let miss = NodeMiss { error: error(), shards: ShardSet::all(1) };
        let node_errors = [("n".parse().unwrap(), miss)].into();
        Ok(TaskDetailView { task: failed(uid), node_tasks: BTreeMap::new(), node_errors })
    });
    let server =
        Server::start(Apis { task: Arc::new(task), ..panicking_apis() }, HttpOptions::default()).await;
    let expected = json!("http://test/_miroir/docs/errors#miroir_reserved_field");
    let detail = server.get("/_miroir/tasks/1").await.json();
    let links = [
        server.get("/tasks/1").await.json()["error"]["link"].clone(),
        server.get("/tasks").await.json()["results"][0]["error"]["link"].clone(),
        detail["error"]["link"].clone(),
        detail["nodeErrors"]["n"]["error"]["link"].clone(),
    ];
    assert!(links.iter().all(|link| *link == expected), "{links:?}");
}

#[tokio::test]
async fn links_of_failed_canary_runs_are_absolute() {
    let run = || CanaryRunView {
        ran_at: Timestamp::from_millis(0),
        status: CanaryStatus::Error,
        latency_ms: 1,
        failed_assertions: json!([{ "error": ErrorCode::MiroirTimeout.with_message("because") }, { "observed": 1 }]),
    };
    let mut canary = MockCanaryApi::new();
    canary.expect_canary_run().returning(move |_| Ok(run()));
    canary.expect_canary_runs().returning(move |_, limit| Ok(CanaryRunList { results: vec![run()], limit }));
    let apis = Apis { canary: Arc::new(canary), ..panicking_apis() };
    let server = Server::start(apis, HttpOptions::default()).await;
    let ran = server.send(&Request::new("POST", "/_miroir/canaries/a/run")).await.json();
    let listed = server.get("/_miroir/canaries/a/runs").await.json()["results"][0].clone();
    for run in [ran, listed] {
        let link: &Value = &run["failedAssertions"][0]["error"]["link"];
        assert_eq!(link, "http://test/_miroir/docs/errors#miroir_timeout");
        assert_eq!(run["failedAssertions"][1], json!({ "observed": 1 }));
    }
}
