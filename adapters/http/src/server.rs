//! Connections: accepted, limited, and let finish when the server stops.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use warp::filters::BoxedFilter;

use crate::connections::Connections;
use crate::exchange::Exchange;
use crate::write_timeout_stream::WriteTimeoutStream;
use crate::{Apis, HttpOptions};

/// How much more than the limit of headers the parser takes. Between the two a request is refused with a sentence;
/// beyond, by the parser, with a bare 431.
const PARSER_SLACK: usize = 4;
/// The smallest buffer the parser gets: its own default.
const PARSER_BUFFER_BYTES: usize = 400 * 1024;
/// How long accepting rests when the process has run out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves what `apis` holds when a request comes in, on `listener`, until `shutdown` ends, then accepts nothing more, lets
/// requests in flight finish and returns. How long that may take is for the caller to bound: dropping the future closes every
/// connection.
pub async fn serve(
    listener: TcpListener,
    apis: watch::Receiver<Arc<Apis>>,
    options: HttpOptions,
    shutdown: impl Future<Output = ()> + Send,
) {
    let parser = parser(&options);
    let write_timeout = options.write_timeout;
    let mut connections = Connections::new(options.max_connections);
    let (stop, stopping) = watch::channel(());
    let exchange = Arc::new(Exchange::new(apis, options, stopping.clone()));
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.add(|activity| {
                        let stream = WriteTimeoutStream::new(without_delay(stream), write_timeout);
                        let close = Arc::new(Notify::new());
                        let filter = Arc::clone(&exchange).filter(peer, activity, &close);
                        connection(stream, peer, parser.clone(), filter, close, stopping.clone())
                    });
                }
                Err(error) => pause_after_accept_error(&error).await,
            },
            Some(()) = connections.closed() => (),
        }
    }
    drop(listener);
    // Every connection sees the sender go.
    drop(stop);
    tracing::debug!(target: "miroir::http", connections = connections.count(), "stopped accepting");
    while connections.closed().await.is_some() {}
}

pub(crate) fn parser(options: &HttpOptions) -> http1::Builder {
    let header_bytes = options.max_header_bytes.saturating_mul(PARSER_SLACK);
    let mut parser = http1::Builder::new();
    parser
        .timer(TokioTimer::new())
        .header_read_timeout(options.header_timeout)
        .max_header_size(header_bytes)
        .max_buf_size(header_bytes.max(PARSER_BUFFER_BYTES));
    parser
}

/// Answers are written whole: waiting for more to send would only delay them. Failing costs no more than that.
fn without_delay(stream: TcpStream) -> TcpStream {
    let _ = stream.set_nodelay(true);
    stream
}

/// One connection. When its client goes away, the request in flight is dropped with it; when what became of a request cannot
/// be told, the connection is.
async fn connection(
    stream: WriteTimeoutStream<TcpStream>,
    peer: SocketAddr,
    parser: http1::Builder,
    filter: BoxedFilter<(warp::reply::Response,)>,
    close: Arc<Notify>,
    mut stopping: watch::Receiver<()>,
) {
    let service = TowerToHyperService::new(warp::service(filter));
    let mut connection = pin!(parser.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = close.notified() => return,
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = close.notified() => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(target: "miroir::http", %peer, %error, "a connection ended early");
    }
}

/// A client that went away before it was accepted costs nothing; anything else would fail again at once.
pub(crate) async fn pause_after_accept_error(error: &std::io::Error) {
    use std::io::ErrorKind;
    let of_the_client =
        [ErrorKind::ConnectionAborted, ErrorKind::ConnectionReset, ErrorKind::ConnectionRefused];
    if !of_the_client.contains(&error.kind()) {
        tracing::error!(target: "miroir::http", %error, "accepting a connection failed");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}
