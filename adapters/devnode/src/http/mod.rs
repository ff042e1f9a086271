//! The HTTP server: connections, faults, and the dispatch of requests to routes.

mod document;
mod field;
mod handler;
mod index;
mod key;
mod query;
mod request;
mod response;
mod route;
mod search;
mod settings;
mod task;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use warp::Filter;
use warp::hyper::service::Service as _;
use warp::path::FullPath;

use self::response::Response;
use crate::control::Fault;
use crate::shared::Shared;

/// A point at which the connection is cut instead of sending a whole response. Passed from the route to the
/// connection in the extensions of the response.
#[derive(Debug, Clone, Copy)]
enum Cut {
    BeforeResponse,
    MidBody,
}

/// The error of a connection that was closed on purpose.
#[derive(Debug)]
struct ConnectionCut;

impl std::fmt::Display for ConnectionCut {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the connection was cut on purpose")
    }
}

impl std::error::Error for ConnectionCut {}

/// Accepts connections until `stop`, then cuts all of them.
pub(crate) async fn serve(shared: Arc<Shared>, listener: TcpListener, mut stop: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => { connections.spawn(connection(Arc::clone(&shared), stream)); }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn connection(shared: Arc<Shared>, stream: TcpStream) {
    let filter = warp::method()
        .and(warp::path::full())
        .and(warp::query::raw().or(warp::any().map(String::new)).unify())
        .and(warp::header::headers_cloned())
        .and(warp::body::bytes())
        .then(move |method, path: FullPath, query, headers, body| {
            let request = request::Request::new(&method, path.as_str(), query, &headers, body);
            respond(Arc::clone(&shared), request)
        });
    let routes = hyper_util::service::TowerToHyperService::new(warp::service(filter));
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let response = routes.call(request);
        async move { finish(response.await).await }
    });
    if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Responds to a request that came on no connection, at once and without faults.
pub(crate) fn respond_locally(shared: &Shared, request: http::Request<Bytes>) -> http::Response<Bytes> {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let request = request::Request::new(&parts.method, parts.uri.path(), query, &parts.headers, body);
    let Response { status, body } = route::respond(shared, &request);
    let mut response = http::Response::new(Bytes::from(body.unwrap_or_default()));
    *response.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// Returns the response, or an error that cuts the connection if a fault requires it.
async fn finish(
    response: Result<warp::reply::Response, Infallible>,
) -> Result<http::Response<BoxBody<Bytes, ConnectionCut>>, ConnectionCut> {
    let response = match response {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let cut = response.extensions().get::<Cut>().copied();
    let (mut parts, body) = response.into_parts();
    let whole = body.collect().await.map_err(|_| ConnectionCut)?.to_bytes();
    let body = match cut {
        Some(Cut::BeforeResponse) => return Err(ConnectionCut),
        Some(Cut::MidBody) => {
            parts.headers.insert(http::header::CONTENT_LENGTH, http::HeaderValue::from(whole.len()));
            let half = futures_util::stream::iter([Ok(Frame::data(whole.slice(..whole.len() / 2)))]);
            let cut = futures_util::stream::once(async {
                // The connection sends its buffer whenever the body makes it wait.
                tokio::task::yield_now().await;
                Err(ConnectionCut)
            });
            BodyExt::boxed(StreamBody::new(half.chain(cut)))
        }
        None => Full::new(whole).map_err(|never| match never {}).boxed(),
    };
    Ok(http::Response::from_parts(parts, body))
}

/// Records the request, applies its fault, and responds to it.
async fn respond(shared: Arc<Shared>, request: request::Request) -> warp::reply::Response {
    let (latency, fault) = shared.control.received(request.record());
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let cut = match fault {
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Response { status, body }) => {
            return response::Response { status, body: Some(body) }.into_response();
        }
        Some(Fault::Cut) => {
            return with_cut(response::Response::empty(500).into_response(), Cut::BeforeResponse);
        }
        Some(Fault::LoseResponse) => Some(Cut::BeforeResponse),
        Some(Fault::TruncateResponse) => Some(Cut::MidBody),
        Some(Fault::Delay(span)) => {
            let response = route::respond(&shared, &request).into_response();
            tokio::time::sleep(span).await;
            return response;
        }
        None => None,
    };
    let response = route::respond(&shared, &request).into_response();
    match cut {
        Some(cut) => with_cut(response, cut),
        None => response,
    }
}

fn with_cut(mut response: warp::reply::Response, cut: Cut) -> warp::reply::Response {
    response.extensions_mut().insert(cut);
    response
}
