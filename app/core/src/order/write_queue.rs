//! The order in which writes reach a node.
//!
//! Two writes to one document must reach all its replicas in one order, or the replicas end up different.
//! Each pair of an index and a node has a queue. A write enters all its queues at once. It is sent to a
//! node only when the node has responded to the write before it in that queue, or that write was given up.
//! The queues of different nodes advance at their own speed.

use std::collections::{BTreeMap, HashMap};

use miroir_domain::{IndexUid, NodeId};
use parking_lot::Mutex;
use tokio::sync::oneshot;

/// The write queues of a cluster.
#[derive(Debug, Default)]
pub(super) struct WriteQueues {
    /// The end of each queue: resolves when the last write in it has left.
    tails: Mutex<HashMap<(IndexUid, NodeId), oneshot::Receiver<()>>>,
}

/// A place in a queue. Dropping it lets the next write go.
#[derive(Debug)]
pub struct Ticket {
    before: Option<oneshot::Receiver<()>>,
    leave: Option<oneshot::Sender<()>>,
}

impl WriteQueues {
    /// Takes a place in the queues of `index` for each of `nodes`, in one step: any two writes stand in the
    /// same order in every queue that they share.
    pub(super) fn enqueue<'a>(
        &self,
        index: &IndexUid,
        nodes: impl IntoIterator<Item = &'a NodeId>,
    ) -> BTreeMap<NodeId, Ticket> {
        let mut tails = self.tails.lock();
        // A queue whose last write has left is empty; dropping it bounds the map by the writes under way.
        tails.retain(|_, tail| matches!(tail.try_recv(), Err(oneshot::error::TryRecvError::Empty)));
        nodes
            .into_iter()
            .map(|node| {
                let (leave, left) = oneshot::channel();
                let before = tails.insert((index.clone(), node.clone()), left);
                (node.clone(), Ticket { before, leave: Some(leave) })
            })
            .collect()
    }
}

impl Ticket {
    /// Waits until the write before this one has left the queue. Cancel safe: it can be awaited again.
    pub async fn turn(&mut self) {
        if let Some(before) = self.before.as_mut() {
            // The sender never sends; it is dropped, and that is the signal.
            let _ = before.await;
            self.before = None;
        }
    }
}

impl Drop for Ticket {
    /// Keeps the place taken until the writes before it have left: a write that gives up before its turn
    /// must not let the next one overtake them.
    fn drop(&mut self) {
        let (Some(before), Some(leave)) = (self.before.take(), self.leave.take()) else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let _ = before.await;
                drop(leave);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    fn uid(name: &str) -> IndexUid {
        name.parse().unwrap()
    }

    fn node(name: &str) -> NodeId {
        name.parse().unwrap()
    }

    async fn waits(ticket: &mut Ticket) -> bool {
        timeout(Duration::from_millis(20), ticket.turn()).await.is_err()
    }

    #[tokio::test]
    async fn write_waits_for_the_one_before_it_in_its_queue_only() {
        let (queues, a, b) = (WriteQueues::default(), node("a"), node("b"));
        let mut first = queues.enqueue(&uid("x"), [&a, &b]);
        let mut second = queues.enqueue(&uid("x"), [&a, &b]);
        let mut other = queues.enqueue(&uid("y"), [&a]);
        assert!(!waits(first.get_mut(&a).unwrap()).await);
        assert!(!waits(other.get_mut(&a).unwrap()).await, "another index has another queue");
        assert!(waits(second.get_mut(&a).unwrap()).await);
        first.remove(&a);
        assert!(!waits(second.get_mut(&a).unwrap()).await, "the first has left the queue of a");
        assert!(waits(second.get_mut(&b).unwrap()).await, "and still stands in that of b");
    }

    #[tokio::test]
    async fn write_that_gives_up_while_waiting_does_not_let_others_overtake() {
        let (queues, a) = (WriteQueues::default(), node("a"));
        let first = queues.enqueue(&uid("x"), [&a]);
        let second = queues.enqueue(&uid("x"), [&a]);
        let mut third = queues.enqueue(&uid("x"), [&a]);
        drop(second);
        assert!(waits(third.get_mut(&a).unwrap()).await, "the first is still on its way");
        drop(first);
        assert!(!waits(third.get_mut(&a).unwrap()).await);
    }

    #[tokio::test]
    async fn empty_queues_are_dropped() {
        let (queues, a) = (WriteQueues::default(), node("a"));
        for number in 0..100 {
            drop(queues.enqueue(&uid(&format!("x{number}")), [&a]));
        }
        drop(queues.enqueue(&uid("last"), [&a]));
        assert!(queues.tails.lock().len() <= 1);
    }
}
