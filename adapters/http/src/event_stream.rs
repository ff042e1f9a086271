//! Server-sent events: a response that continues until its reader disconnects.

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

/// Events buffered ahead of the reader.
const BUFFERED_EVENTS: usize = 16;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A response of events that has not begun.
pub(crate) struct EventStream(Box<dyn FnOnce(mpsc::Sender<Event>) -> Work + Send>);

impl fmt::Debug for EventStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("EventStream").finish_non_exhaustive()
    }
}

impl EventStream {
    /// Returns a response of the events that `work` sends, until it ends.
    pub(crate) fn new<W>(work: impl FnOnce(mpsc::Sender<Event>) -> W + Send + 'static) -> Self
    where
        W: Future<Output = ()> + Send + 'static,
    {
        Self(Box::new(move |events| Box::pin(work(events))))
    }

    /// Begins the response. It ends with the work, when the reader disconnects, or when the server stops.
    /// Until then it holds its request permit.
    pub(crate) fn into_response(
        self,
        mut stopping: watch::Receiver<()>,
        permit: Option<RequestPermit>,
    ) -> Response {
        let (events, mut receiver) = mpsc::channel(BUFFERED_EVENTS);
        tokio::spawn(async move {
            let disconnected = events.clone();
            tokio::select! {
                () = (self.0)(events) => {}
                () = disconnected.closed() => {}
                _ = stopping.changed() => {}
            }
            drop(permit);
        });
        let stream =
            poll_fn(move |context| receiver.poll_recv(context).map(|event| event.map(Ok::<_, Infallible>)));
        warp::sse::reply(stream).into_response()
    }
}
