//! Metrics on an address of their own, without a key: for a Prometheus server that alone can reach this port.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use miroir_ports::inbound::MetricsApi;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::HttpOptions;
use crate::reply::response;
use crate::server::{parser, pause_after_accept_error};

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
    let options = HttpOptions::default();
    // One request for each connection, so that idle connections do not count against the limit.
    let mut parser = parser(&options);
    parser.keep_alive(false);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            // Dropping the connections closes them. Prometheus repeats an interrupted scrape.
            () = &mut shutdown => return,
            accepted = listener.accept() => match accepted {
                Ok(_) if connections.len() >= MAX_CONNECTIONS => {
                    tracing::debug!(target: "miroir::http", "a connection for metrics was refused: the limit is reached");
                }
                Ok((stream, _)) => {
                    let (parser, metrics) = (parser.clone(), Arc::clone(&metrics));
                    let limit = options.request_timeout;
                    // The timeout closes connections whose client does not read.
                    connections.spawn(async move { timeout(limit, connection(stream, parser, metrics)).await });
                }
                Err(error) => pause_after_accept_error(&error).await,
            },
            Some(_) = connections.join_next() => (),
        }
    }
}

async fn connection(
    stream: TcpStream,
    parser: hyper::server::conn::http1::Builder,
    metrics: Arc<dyn MetricsApi>,
) {
    let service = service_fn(move |request| {
        let metrics = Arc::clone(&metrics);
        async move { Ok::<_, Infallible>(respond(&request, metrics.as_ref()).await) }
    });
    if let Err(error) = parser.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(target: "miroir::http", %error, "a connection for metrics ended early");
    }
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
