//! One change on its way through the writer.

use std::panic::{AssertUnwindSafe, catch_unwind};

use miroir_ports::outbound::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::error::Failure;

/// A change and its caller, independent of the type of its output.
pub(crate) trait Work: Send {
    /// Makes the change inside the open transaction. Called again if the transaction was lost.
    fn run(&mut self, connection: &Connection) -> Result<(), Failure>;

    /// Notifies the caller of the outcome. A caller that is gone is not an error: the change stands.
    fn settle(self: Box<Self>, verdict: Result<(), StoreError>);
}

/// The only kind of [`Work`].
struct Call<T, F> {
    operation: F,
    output: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

/// Wraps `operation`. The receiver gets its output once the change is settled.
pub(crate) fn work<T, F>(operation: F) -> (Box<dyn Work>, oneshot::Receiver<Result<T, StoreError>>)
where
    T: Send + 'static,
    F: Fn(&Connection) -> Result<T, Failure> + Send + 'static,
{
    let (reply, response) = oneshot::channel();
    (Box::new(Call { operation, output: None, reply }), response)
}

impl<T, F> Work for Call<T, F>
where
    T: Send,
    F: Fn(&Connection) -> Result<T, Failure> + Send,
{
    fn run(&mut self, connection: &Connection) -> Result<(), Failure> {
        // A panic in one change must not end the thread that serves all of them. Its savepoint is rolled back
        // like that of any failed change, so no partial change becomes visible.
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.operation)(connection)));
        let output = outcome
            .unwrap_or_else(|_| Err(StoreError::not_applied("a change to the store panicked").into()))?;
        self.output = Some(output);
        Ok(())
    }

    fn settle(self: Box<Self>, verdict: Result<(), StoreError>) {
        let Self { output, reply, .. } = *self;
        let response = verdict.and_then(|()| {
            output.ok_or_else(|| {
                StoreError::not_applied("a change to the store was settled before it was made")
            })
        });
        let _ = reply.send(response);
    }
}
