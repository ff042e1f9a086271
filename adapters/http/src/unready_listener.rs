//! Responses of an instance that is starting: it is alive, and not ready.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use miroir_domain::error::ErrorCode;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::HttpOptions;
use crate::content::JSON;
use crate::reply::response;
use crate::server::{parser, pause_after_accept_error};

/// The maximum number of connections; further ones are closed.
const MAX_CONNECTIONS: usize = 256;

/// Serves `GET /health` on `listener`, and responds to every other request with 503
/// `miroir_store_unavailable` and `reason`, until `shutdown` ends.
pub async fn serve_unready(
    listener: &TcpListener,
    reason: String,
    options: &HttpOptions,
    shutdown: impl Future<Output = ()> + Send,
) {
    // One request for each connection: the next one may meet an instance that is ready.
    let mut parser = parser(options);
    parser.keep_alive(false);
    let reason: Arc<str> = reason.into();
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok(_) if connections.len() >= MAX_CONNECTIONS => {}
                Ok((stream, _)) => {
                    let (parser, reason) = (parser.clone(), Arc::clone(&reason));
                    let limit = options.request_timeout;
                    connections.spawn(async move { timeout(limit, connection(stream, parser, reason)).await });
                }
                Err(error) => pause_after_accept_error(&error).await,
            },
            Some(_) = connections.join_next() => (),
        }
    }
    // Those that have begun get their response.
    while connections.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, parser: hyper::server::conn::http1::Builder, reason: Arc<str>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let response = respond(request.uri().path(), &reason);
        async move { Ok::<_, Infallible>(response) }
    });
    if let Err(error) = parser.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(target: "miroir::http", %error, "a connection ended early");
    }
}

fn respond(path: &str, reason: &str) -> Response<Full<Bytes>> {
    let (status, body) = match path {
        "/health" => (StatusCode::OK, json!({ "status": "available" })),
        "/_miroir/ready" => (StatusCode::SERVICE_UNAVAILABLE, json!({ "ready": false, "reasons": [reason] })),
        _ => {
            let error = ErrorCode::MiroirStoreUnavailable.with_message(reason);
            (StatusCode::SERVICE_UNAVAILABLE, json!(error))
        }
    };
    response(status, JSON, body.to_string().into())
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
        let error = body(refused).await;
        assert_eq!(
            (&error["code"], &error["message"]),
            (&json!("miroir_store_unavailable"), &json!("no store"))
        );
    }
}
