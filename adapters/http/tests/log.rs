//! The log lines of requests.

mod support;

use std::io::Write;
use std::sync::{Arc, Mutex};

use miroir_domain::search::SearchRequest;
use miroir_http::{Apis, HttpOptions, Secret};
use miroir_ports::inbound::MockSearchApi;
use miroir_ports::outbound::StoreError;
use serde_json::{Value, json};
use support::{Request, Server, read_response, stub_apis};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Returns the lines of one target, without their time.
    fn of(&self, target: &str) -> Vec<Value> {
        let text = self.text();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["target"] == target).collect()
    }
}

/// Sends `requests` one after the other. The server runs on this thread, whose log lines are returned.
async fn logged(apis: Apis, options: HttpOptions, requests: &[Request<'_>]) -> Lines {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::INFO)
        .with_writer(lines.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut server = Server::start(apis, options).await;
    for request in requests {
        server.send(request).await;
    }
    server.begin_stop();
    server.stopped().await;
    lines
}

#[tokio::test]
async fn requests_are_logged_with_id_route_status_and_task() {
    let requests = [
        Request::new("POST", "/indexes/m/documents").json("[]").header("X-Request-Id", "a"),
        Request::new("GET", "/indexes/m/search?q=private").header("X-Request-Id", "b"),
        Request::new("GET", "/nope/private").header("X-Request-Id", "c"),
    ];
    let lines = logged(stub_apis(), HttpOptions::default(), &requests).await;
    let seen: Vec<Value> = lines
        .of("miroir::http")
        .into_iter()
        .map(|line| {
            let mut fields = line["fields"].as_object().unwrap().clone();
            assert!(fields.remove("duration_ms").unwrap().is_u64());
            Value::from(fields)
        })
        .collect();
    let documents = "/indexes/{index_uid}/documents";
    let search = "/indexes/{index_uid}/search";
    assert_eq!(
        seen,
        [
            json!({"message": "request", "request_id": "a", "route": documents, "method": "POST", "status": 202, "task_uid": 7}),
            json!({"message": "request", "request_id": "b", "route": search, "method": "GET", "status": 200}),
            json!({"message": "request", "request_id": "c", "route": "unmatched", "method": "GET", "status": 404}),
        ]
    );
    assert!(!lines.text().contains("private"), "{}", lines.text());
}

#[tokio::test]
async fn log_lines_of_a_handler_have_the_request_id() {
    let mut search = MockSearchApi::new();
    search.expect_search().returning(|_, _: SearchRequest| {
        tracing::info!(target: "inside", "searching");
        Ok(read_response(json!({})))
    });
    let apis = Apis { search: Arc::new(search), ..stub_apis() };
    let request = Request::new("GET", "/indexes/m/search").header("X-Request-Id", "abc");
    let lines = logged(apis, HttpOptions::default(), &[request]).await;
    assert_eq!(lines.of("inside")[0]["span"]["request_id"], "abc");
}

#[tokio::test]
async fn error_of_the_store_is_logged_with_its_cause() {
    let mut search = MockSearchApi::new();
    search.expect_search().returning(|_, _: SearchRequest| {
        let full = std::io::Error::other("no space left");
        Err(StoreError::not_applied("the log cannot be written").with_source(full).into())
    });
    let apis = Apis { search: Arc::new(search), ..stub_apis() };
    let request = Request::new("GET", "/indexes/m/search");
    let lines = logged(apis, HttpOptions::default(), &[request]).await;
    let logged = lines.of("miroir::http")[0]["fields"]["error"].to_string();
    assert!(logged.contains("the log cannot be written: no space left"), "{logged}");
}

#[tokio::test]
async fn keys_are_never_logged() {
    let options = HttpOptions {
        master_key: Some(Secret::new("master-secret")),
        admin_key: Some(Secret::new("admin-secret")),
        ..HttpOptions::default()
    };
    assert!(!format!("{options:?}").contains("secret"));
    let requests = ["Bearer master-secret", "Bearer wrong-secret", "admin-secret"].map(|key| {
        Request::new("GET", "/indexes").header("Authorization", key).header("X-Admin-Key", "admin-secret")
    });
    let lines = logged(stub_apis(), options, &requests).await;
    assert_eq!(lines.of("miroir::http").len(), 3);
    assert!(!lines.text().contains("secret"), "{}", lines.text());
}
