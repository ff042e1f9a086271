//! The OpenAPI document compared with the behaviour of the server: names, statuses and codes.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use miroir_http::{HttpOptions, Secret, openapi_text, route_list};
use serde_json::Value;
use support::{Request, Response, Server, panicking_apis, stub_apis};

/// One operation of the document.
struct Described {
    method: String,
    path: String,
    operation: Value,
}

impl Described {
    /// Returns the path with valid parameters.
    fn filled(&self) -> String {
        let parts = self.path.split('/').map(|part| match part {
            "{task_uid}" => "1",
            part if part.starts_with('{') => "films",
            part => part,
        });
        parts.collect::<Vec<_>>().join("/")
    }

    fn takes_body(&self) -> bool {
        self.operation.get("requestBody").is_some()
    }

    /// Returns a valid JSON body, for an operation with a body.
    fn example(&self, document: &Value) -> Option<String> {
        let mut schema = self.operation.pointer("/requestBody/content/application~1json/schema")?;
        while let Some(reference) = schema["$ref"].as_str() {
            schema = document.pointer(&reference[1..]).unwrap();
        }
        // Settings accept null, which resets them.
        Some(schema["examples"].get(0).unwrap_or(&Value::Null).to_string())
    }

    fn is(&self, tag: &str) -> bool {
        self.operation["tags"][0] == tag
    }

    fn is_open(&self) -> bool {
        self.operation["security"].as_array().unwrap().is_empty()
    }

    /// Checks that a response is described: its status, its code, its type.
    fn expect(&self, document: &Value, response: &Response) {
        let context = format!("{} {}: {} {}", self.method, self.path, response.status, response.body);
        let described = &self.operation["responses"][response.status.to_string()];
        let described = described["$ref"]
            .as_str()
            .map_or(described, |reference| document.pointer(&reference[1..]).unwrap());
        let codes =
            described["x-error-codes"].as_array().unwrap_or_else(|| panic!("not described: {context}"));
        assert!(codes.iter().any(|code| *code == response.code()), "{context}: {codes:?}");
        let kind = response.header("content-type").unwrap();
        assert!(described["content"].get(kind).is_some(), "{context}: {kind}");
    }
}

fn document() -> Value {
    serde_json::from_str(&openapi_text()).unwrap()
}

fn operations(document: &Value) -> Vec<Described> {
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().iter().map(|(method, operation)| Described {
            method: method.to_uppercase(),
            path: path.clone(),
            operation: operation.clone(),
        })
    });
    let operations: Vec<_> = operations.collect();
    assert!(operations.len() > 150);
    operations
}

async fn send(server: &Server, operation: &Described, headers: &[(&str, &str)], body: &[u8]) -> Response {
    let path = operation.filled();
    let mut request = Request::new(&operation.method, &path);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    server.send(&if body.is_empty() { request } else { request.body(body) }).await
}

#[tokio::test]
async fn document_is_served_without_a_key() {
    let options = HttpOptions {
        master_key: Some(Secret::new("m")),
        admin_key: Some(Secret::new("a")),
        ..HttpOptions::default()
    };
    let response = Server::start(panicking_apis(), options).await.get("/_miroir/openapi.json").await;
    assert_eq!((response.status, response.header("content-type")), (200, Some("application/json")));
    assert!(response.body == openapi_text());
}

#[tokio::test]
async fn refusals_of_every_route_are_described() {
    let document = document();
    let keys = HttpOptions {
        master_key: Some(Secret::new("m")),
        admin_key: Some(Secret::new("a")),
        max_body_bytes: 100,
        max_header_bytes: 2000,
        body_timeout: Duration::from_millis(100),
        ..HttpOptions::default()
    };
    let server = Server::start(stub_apis(), keys).await;
    let key = [("Authorization", "Bearer m"), ("X-Admin-Key", "a")];
    let json = [key[0], key[1], ("Content-Type", "application/json")];
    let long = "x".repeat(2000);
    for operation in operations(&document) {
        let expect = |response: Response, status: u16| {
            assert_eq!(response.status, status, "{} {}", operation.method, operation.path);
            operation.expect(&document, &response);
        };
        expect(send(&server, &operation, &[("X-Long", &long)], b"").await, 431);
        if operation.is_open() {
            continue;
        }
        expect(send(&server, &operation, &[], b"").await, 401);
        let wrong = [("Authorization", "Bearer wrong")];
        let admin = operation.path.starts_with("/_miroir");
        expect(send(&server, &operation, &wrong, b"").await, if admin { 401 } else { 403 });
        if operation.is("unsupported") {
            expect(send(&server, &operation, &key, b"").await, 501);
        }
        if operation.takes_body() {
            expect(send(&server, &operation, &key, b"{}").await, 415);
            expect(send(&server, &operation, &json, b"").await, 400);
            // The port refuses invalid JSON in a payload of documents.
            if operation.operation["requestBody"]["content"].get("text/csv").is_none() {
                expect(send(&server, &operation, &json, b"{").await, 400);
            }
            expect(send(&server, &operation, &json, &[b' '; 101]).await, 413);
            let stalled = [json[0], json[1], json[2], ("Transfer-Encoding", "chunked")];
            expect(send(&server, &operation, &stalled, b"").await, 408);
        }
    }
}

/// Ports that panic, then no permits: both failures are described for every route.
#[tokio::test]
async fn failures_of_every_route_are_described() {
    let document = document();
    let full = HttpOptions { max_concurrent_requests: 0, ..HttpOptions::default() };
    for (options, status) in [(HttpOptions::default(), 500), (full, 503)] {
        let server = Server::start(panicking_apis(), options).await;
        for operation in operations(&document) {
            if operation.is_open() || (status == 500 && operation.is("unsupported")) {
                continue;
            }
            let example = operation.example(&document).unwrap_or_default();
            let headers: &[_] =
                if example.is_empty() { &[] } else { &[("Content-Type", "application/json")] };
            let mut path = operation.filled();
            if path == "/_miroir/changes" {
                path.push_str("?index=films");
            }
            let called = Described { path, ..operation };
            let response = send(&server, &called, headers, example.as_bytes()).await;
            assert_eq!(response.status, status, "{} {}: {}", called.method, called.path, response.body);
            called.expect(&document, &response);
        }
    }
}

/// Returns the names in the refusal of an unknown one.
fn known_names(message: &str) -> BTreeSet<String> {
    let (_, list) = message.rsplit_once("expected one of ").unwrap_or(("", ""));
    list.split(", ").map(|name| name.trim_matches(|end| end == '`' || end == '.').to_owned()).collect()
}

#[tokio::test]
async fn described_query_parameters_are_those_that_the_route_accepts() {
    let document = document();
    let server = Server::start(stub_apis(), HttpOptions::default()).await;
    let mut compared = 0;
    for operation in operations(&document) {
        let path = format!("{}?qqqq=1", operation.filled());
        let request = Request::new(&operation.method, &path).json("{}");
        let response = server.send(&request).await;
        let parameters = operation.operation["parameters"].as_array().cloned().unwrap_or_default();
        let described: BTreeSet<String> = parameters
            .iter()
            .map(|parameter| document.pointer(&parameter["$ref"].as_str().unwrap()[1..]).unwrap())
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            .collect();
        if described.is_empty() {
            continue;
        }
        assert_eq!((response.status, response.code().as_str()), (400, "bad_request"), "{path}");
        assert_eq!(known_names(&response.message()), described, "{} {path}", operation.method);
        compared += 1;
    }
    assert!(compared > 12, "{compared}");
}

/// Returns the query parameters of an operation, each with a valid value.
fn examples(document: &Value, operation: &Described) -> BTreeMap<String, String> {
    let parameters = operation.operation["parameters"].as_array().cloned().unwrap_or_default();
    let parameters = parameters
        .iter()
        .map(|parameter| document.pointer(&parameter["$ref"].as_str().unwrap()[1..]).unwrap())
        .filter(|parameter| parameter["in"] == "query");
    let value = |schema: &Value| {
        let schema = schema["$ref"].as_str().map_or(schema, |name| document.pointer(&name[1..]).unwrap());
        match (schema["type"].as_str(), schema["enum"].as_array()) {
            (_, Some(words)) => words[0].as_str().unwrap().to_owned(),
            (Some("integer" | "number"), _) => "1".to_owned(),
            (Some("boolean"), _) => "false".to_owned(),
            _ => "*".to_owned(),
        }
    };
    parameters
        .map(|parameter| (parameter["name"].as_str().unwrap().to_owned(), value(&parameter["schema"])))
        .collect()
}

/// Calls every route with each declared parameter, and with an undeclared one.
#[tokio::test]
async fn routes_accept_their_declared_query_parameters_and_refuse_or_ignore_others() {
    let document = document();
    let described = operations(&document);
    let server = Server::start(stub_apis(), HttpOptions::default()).await;
    let (mut taken, mut refusing) = (0, 0);
    for route in route_list() {
        let of_route = |other: &&Described| (&other.method, &other.path) == (&route.method, &route.template);
        let operation = described.iter().find(of_route).unwrap();
        let examples = examples(&document, operation);
        let declared: BTreeSet<&str> = route.query.iter().flatten().copied().collect();
        assert_eq!(declared, examples.keys().map(String::as_str).collect(), "{route:?}");
        let call = async |query: &str| {
            let path = format!("{}?{query}", operation.filled());
            server.send(&Request::new(&route.method, &path).json("{}")).await
        };
        let unknown = async |query: &str| {
            let response = call(query).await;
            response.status == 400 && response.message().starts_with("Unknown parameter")
        };
        for (name, value) in &examples {
            assert!(!unknown(&format!("{name}={value}")).await, "{} {name}={value}", operation.path);
            taken += 1;
        }
        assert_eq!(unknown("qqqq=1").await, route.query.is_some(), "{} {}", route.method, route.template);
        refusing += usize::from(route.query.is_some());
    }
    assert!(taken > 80 && refusing > 30, "{taken} {refusing}");
}

#[tokio::test]
async fn described_fields_of_bodies_are_those_that_the_route_accepts() {
    let document = document();
    let server = Server::start(stub_apis(), HttpOptions::default()).await;
    let mut compared = 0;
    for operation in operations(&document).iter().filter(|operation| operation.takes_body()) {
        let reference = operation.operation.pointer("/requestBody/content/application~1json/schema/$ref");
        let schema = document.pointer(&reference.unwrap().as_str().unwrap()[1..]).unwrap();
        let Some(fields) = schema["properties"].as_object() else { continue };
        // Settings are checked behind the port; `tests/e2e` compares them with their schemas.
        if operation.is("settings") {
            continue;
        }
        // The body is valid except for the unknown name, since other errors may be refused first.
        let mut body = schema["examples"][0].clone();
        body["qqqq"] = 1.into();
        let path = operation.filled();
        let response = server.send(&Request::new(&operation.method, &path).json(&body.to_string())).await;
        let described: BTreeSet<String> = fields.keys().cloned().collect();
        assert_eq!(response.status, 400, "{path}: {}", response.body);
        assert_eq!(known_names(&response.message()), described, "{} {path}", operation.method);
        compared += 1;
    }
    assert!(compared > 10, "{compared}");
}
