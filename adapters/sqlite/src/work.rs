//! One change on its way through the writer.

use std::panic::{AssertUnwindSafe, catch_unwind};

use miroir_ports::outbound::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::error::Failure;

/// A change and whoever waits for it, whatever the type of its answer.
pub(crate) trait Work: Send {
    /// Makes the change inside the open transaction. Called again when the transaction was lost.
    fn run(&mut self, connection: &Connection) -> Result<(), Failure>;

    /// Tells whoever waits how it ended. Nobody waiting any more is no error: the change stands.
    fn settle(self: Box<Self>, verdict: Result<(), StoreError>);
}

/// The only kind of [`Work`].
struct Call<T, F> {
    operation: F,
    answer: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

/// Wraps `operation`; its answer arrives at the receiver once it is settled.
pub(crate) fn work<T, F>(operation: F) -> (Box<dyn Work>, oneshot::Receiver<Result<T, StoreError>>)
where
    T: Send + 'static,
    F: Fn(&Connection) -> Result<T, Failure> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    (Box::new(Call { operation, answer: None, reply }), answer)
}

impl<T, F> Work for Call<T, F>
where
    T: Send,
    F: Fn(&Connection) -> Result<T, Failure> + Send,
{
    fn run(&mut self, connection: &Connection) -> Result<(), Failure> {
        // A panic in one change must not end the thread that serves all of them. Its savepoint is rolled back like
        // that of any failed change, so nothing half-done is seen.
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.operation)(connection)));
        let answer = outcome
            .unwrap_or_else(|_| Err(StoreError::not_applied("a change to the store panicked").into()))?;
        self.answer = Some(answer);
        Ok(())
    }

    fn settle(self: Box<Self>, verdict: Result<(), StoreError>) {
        let Self { answer, reply, .. } = *self;
        let answer = verdict.and_then(|()| {
            answer.ok_or_else(|| {
                StoreError::not_applied("a change to the store was settled before it was made")
            })
        });
        let _ = reply.send(answer);
    }
}
