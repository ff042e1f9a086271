//! Metrics on an address of their own, without a key: for a Prometheus server that alone can reach this port.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use miroir_ports::inbound::MetricsApi;
use tokio::net::TcpListener;

use crate::HttpOptions;
use crate::reply::response;
use crate::small_listener::serve_one_each;

/// The only path.
const PATH: &str = "/metrics";
/// The maximum number of connections; further ones are closed. A few Prometheus servers need one each.
const MAX_CONNECTIONS: usize = 32;

/// Serves `GET /metrics` and nothing else on `listener` until `shutdown` ends.
pub async fn serve_metrics(
    listener: TcpListener,
    metrics: Arc<dyn MetricsApi>,
    shutdown: impl Future<Output = ()> + Send,
) {
    let respond = move |request| {
        let metrics = Arc::clone(&metrics);
        async move { respond(&request, metrics.as_ref()).await }
    };
    // Prometheus repeats an interrupted scrape.
    drop(serve_one_each(&listener, &HttpOptions::default(), MAX_CONNECTIONS, shutdown, respond).await);
}

async fn respond(request: &Request<Incoming>, metrics: &dyn MetricsApi) -> Response<Full<Bytes>> {
    if request.uri().path() != PATH {
        let text = "Only `GET /metrics` is served here.\n";
        return response(StatusCode::NOT_FOUND, "text/plain", text.into());
    }
    if request.method() != Method::GET {
        let mut refused = response(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "Use GET.\n".into());
        refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
        return refused;
    }
    let exposition = metrics.exposition().await;
    response(StatusCode::OK, exposition.content_type, exposition.text.into())
}
