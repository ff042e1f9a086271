//! Responses of an instance that is starting: it is alive, and not ready.

use std::future::{Future, ready};
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use miroir_domain::error::ErrorCode;
use serde_json::json;
use tokio::net::TcpListener;

use crate::HttpOptions;
use crate::content::JSON;
use crate::reply::response;
use crate::small_listener::serve_one_each;

/// The maximum number of connections; further ones are closed.
const MAX_CONNECTIONS: usize = 256;

/// The seconds after which a client may try again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// Serves `GET /health` on `listener`, shows `reason` at `GET /_miroir/ready`, and responds to every other
/// request with 503 `miroir_store_unavailable`, until `shutdown` ends. The reason may name the address of the
/// store, which only those who operate it need.
pub async fn serve_unready(
    listener: &TcpListener,
    reason: String,
    options: &HttpOptions,
    shutdown: impl Future<Output = ()> + Send,
) {
    let reason: Arc<str> = reason.into();
    let respond = move |request: Request<Incoming>| ready(respond(request.uri().path(), &reason));
    let mut connections = serve_one_each(listener, options, MAX_CONNECTIONS, shutdown, respond).await;
    // Those that have begun get their response.
    while connections.join_next().await.is_some() {}
}

fn respond(path: &str, reason: &str) -> Response<Full<Bytes>> {
    let (status, body) = match path {
        "/health" => (StatusCode::OK, json!({ "status": "available" })),
        "/_miroir/ready" => (StatusCode::SERVICE_UNAVAILABLE, json!({ "ready": false, "reasons": [reason] })),
        _ => {
            let message = "The task store is unavailable: this instance is starting and waits for it.";
            let error = ErrorCode::MiroirStoreUnavailable.with_message(message);
            (StatusCode::SERVICE_UNAVAILABLE, json!(error))
        }
    };
    let mut response = response(status, JSON, body.to_string().into());
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(http::header::RETRY_AFTER, RETRY_AFTER);
    }
    response
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use serde_json::Value;

    use super::*;

    async fn body(response: Response<Full<Bytes>>) -> Value {
        serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
    }

    #[tokio::test]
    async fn instance_that_is_starting_is_alive_and_not_ready() {
        let alive = respond("/health", "no store");
        assert_eq!(alive.status(), 200);
        assert_eq!(body(alive).await, json!({ "status": "available" }));
        let ready = respond("/_miroir/ready", "no store");
        assert_eq!(ready.status(), 503);
        assert_eq!(body(ready).await["reasons"], json!(["no store"]));
        let refused = respond("/indexes/films/search", "no store");
        assert_eq!(refused.status(), 503);
        assert_eq!(refused.headers()["retry-after"], "1");
        let error = body(refused).await;
        assert_eq!(error["code"], "miroir_store_unavailable");
        assert!(!error["message"].as_str().unwrap().contains("no store"), "{error}");
    }
}
