//! Server-sent events: an answer that goes on for as long as its reader stays.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use futures_util::stream::poll_fn;
use tokio::sync::{mpsc, watch};
use warp::Reply as _;
use warp::reply::Response;
use warp::sse::Event;

use crate::request_permit::RequestPermit;

/// Events that are made before the reader takes them.
const AHEAD: usize = 16;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What an answer by events is made of, before it begins.
pub(crate) struct EventStream(Box<dyn FnOnce(mpsc::Sender<Event>) -> Work + Send>);

impl fmt::Debug for EventStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("EventStream").finish_non_exhaustive()
    }
}

impl EventStream {
    /// The events that `work` sends, until it ends.
    pub(crate) fn new<W>(work: impl FnOnce(mpsc::Sender<Event>) -> W + Send + 'static) -> Self
    where
        W: Future<Output = ()> + Send + 'static,
    {
        Self(Box::new(move |events| Box::pin(work(events))))
    }

    /// Begins the answer. It ends with the work, when the reader leaves, or when the server stops; until then it holds its
    /// place among the requests that are answered at once.
    pub(crate) fn into_response(
        self,
        mut stopping: watch::Receiver<()>,
        permit: Option<RequestPermit>,
    ) -> Response {
        let (events, mut made) = mpsc::channel(AHEAD);
        tokio::spawn(async move {
            let left = events.clone();
            tokio::select! {
                () = (self.0)(events) => {}
                () = left.closed() => {}
                _ = stopping.changed() => {}
            }
            drop(permit);
        });
        let stream =
            poll_fn(move |context| made.poll_recv(context).map(|event| event.map(Ok::<_, Infallible>)));
        warp::sse::reply(stream).into_response()
    }
}
