//! Listeners with few connections, each of which has one request.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{error::Elapsed, timeout};

use crate::HttpOptions;
use crate::server::{parser, pause_after_accept_error};

/// The connections that are open.
pub(crate) type OpenConnections = JoinSet<Result<(), Elapsed>>;

/// Responds to requests on `listener` until `shutdown` ends, at most on `max_connections` at a time; further
/// ones are closed. Returns the connections that are open then. Dropping them closes them.
pub(crate) async fn serve_one_each<R, F>(
    listener: &TcpListener,
    options: &HttpOptions,
    max_connections: usize,
    shutdown: impl Future<Output = ()> + Send,
    respond: R,
) -> OpenConnections
where
    R: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    // One request for each connection, so that idle connections do not count against the limit.
    let mut parser = parser(options);
    parser.keep_alive(false);
    let limit: Duration = options.request_timeout;
    let mut connections = OpenConnections::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => return connections,
            accepted = listener.accept() => match accepted {
                Ok(_) if connections.len() >= max_connections => {
                    tracing::debug!(target: "miroir::http", "a connection was refused: the limit is reached");
                }
                Ok((stream, _)) => {
                    let (parser, respond) = (parser.clone(), respond.clone());
                    // The timeout closes connections whose client does not read.
                    connections.spawn(timeout(limit, connection(stream, parser, respond)));
                }
                Err(error) => pause_after_accept_error(&error).await,
            },
            Some(_) = connections.join_next() => (),
        }
    }
}

async fn connection<R, F>(stream: TcpStream, parser: http1::Builder, respond: R)
where
    R: Fn(Request<Incoming>) -> F + Send,
    F: Future<Output = Response<Full<Bytes>>> + Send,
{
    let service = service_fn(move |request| {
        let response = respond(request);
        async move { Ok::<_, Infallible>(response.await) }
    });
    if let Err(error) = parser.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(target: "miroir::http", %error, "a connection ended early");
    }
}
