//! Access: the key, and unknown routes and methods.

use serde_json::json;

use super::server::Server;

pub async fn health_needs_no_key(server: &Server) {
    let response = server.raw("GET", "/health", &[], None).await;
    assert_eq!((response.status, response.body), (200, json!({ "status": "available" })));
}

pub async fn version_is_that_of_the_server(server: &Server) {
    let version = server.get("/version").await;
    assert_eq!((version.as_object().unwrap().len(), &version["pkgVersion"]), (3, &json!("1.50.0")));
    assert!(version["commitSha"].is_string() && version["commitDate"].is_string(), "{version}");
}

pub async fn request_without_a_key_is_refused(server: &Server) {
    for (method, path) in [
        ("GET", "/indexes"),
        ("GET", "/tasks"),
        ("GET", "/version"),
        ("GET", "/keys"),
        ("DELETE", "/indexes/a"),
    ] {
        let message = "The Authorization header is missing. It must use the bearer authorization method.";
        server.raw(method, path, &[], None).await.refuses(401, "missing_authorization_header", message);
    }
}

pub async fn request_with_a_wrong_key_is_refused(server: &Server) {
    let response = server.raw("GET", "/indexes", &[("authorization", "Bearer wrong")], None).await;
    response.refuses(403, "invalid_api_key", "The provided API key is invalid.");
}

pub async fn unknown_route_returns_404_without_a_body(server: &Server) {
    for path in ["/nope", "/indexes/a/nope", "/indexes/a/settings/nope", "/keys/a/nope"] {
        let response = server.request("GET", path).await;
        assert_eq!((response.status, response.body), (404, json!(null)), "{path}");
    }
}

pub async fn wrong_method_returns_405_without_a_body(server: &Server) {
    for (method, path) in [
        ("PATCH", "/health"),
        ("DELETE", "/indexes"),
        ("PUT", "/indexes/a"),
        ("PUT", "/keys"),
        ("POST", "/keys/a"),
    ] {
        let response = server.request(method, path).await;
        assert_eq!((response.status, response.body), (405, json!(null)), "{method} {path}");
    }
}
