//! The server: it accepts connections, and finishes requests in flight when it stops.

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

/// The factor by which the limit of the parser exceeds the limit of headers. Between the two limits a request
/// is refused with an error body; beyond both, the parser itself responds with an empty 431.
const PARSER_SLACK: usize = 4;
/// The minimum buffer of the parser: its default.
const PARSER_BUFFER_BYTES: usize = 400 * 1024;
/// The pause of accepting if the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves requests on `listener` with the ports of `apis` until `shutdown` ends. Then it accepts no
/// connections, finishes the requests in flight and returns. The caller bounds the time of that: dropping the
/// future closes every connection.
pub async fn serve(
    listener: TcpListener,
    apis: Arc<Apis>,
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
    // Closing the channel stops every connection.
    drop(stop);
    tracing::debug!(target: "miroir::http", connections = connections.count(), "stopped accepting");
    while connections.closed().await.is_some() {}
}

/// Returns a parser with the limits of `options`.
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

/// Disables Nagle's algorithm, which would only delay responses, since they are written in one piece. A
/// failure is ignored: it costs only that delay.
fn without_delay(stream: TcpStream) -> TcpStream {
    let _ = stream.set_nodelay(true);
    stream
}

/// Serves one connection. If the client disconnects, the request in flight is dropped. If the outcome of a
/// request is unknown, the connection is closed.
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

/// Pauses after a failed accept, unless the client disconnected. Any other error would recur at once.
pub(crate) async fn pause_after_accept_error(error: &std::io::Error) {
    use std::io::ErrorKind;
    let disconnections =
        [ErrorKind::ConnectionAborted, ErrorKind::ConnectionReset, ErrorKind::ConnectionRefused];
    if !disconnections.contains(&error.kind()) {
        tracing::error!(target: "miroir::http", %error, "accepting a connection failed");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}
