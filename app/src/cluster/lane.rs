//! The order in which writes reach a node.
//!
//! Two writes to one document must reach all its replicas in one order, or the replicas end up different. Each
//! (index, node) pair is a lane: a write takes a place in all its lanes at once, and is sent to a node only when the
//! write before it in that lane has been answered or given up. Lanes of different nodes run at their own speed.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use miroir_domain::{IndexUid, NodeId};
use tokio::sync::oneshot;

/// All lanes of this instance.
#[derive(Debug, Default)]
pub struct Lanes {
    /// The end of each lane: resolves when the last write in it has left.
    tails: Mutex<HashMap<(IndexUid, NodeId), oneshot::Receiver<()>>>,
}

/// A place in a lane. Dropping it lets the next write go.
#[derive(Debug)]
pub struct Ticket {
    before: Option<oneshot::Receiver<()>>,
    leave: Option<oneshot::Sender<()>>,
}

impl Lanes {
    /// Takes a place in the lanes of `index` to each of `nodes`, in one step: any two writes stand in the same
    /// order in every lane they share.
    pub fn enter<'a>(
        &self,
        index: &IndexUid,
        nodes: impl IntoIterator<Item = &'a NodeId>,
    ) -> HashMap<NodeId, Ticket> {
        let mut tails = self.lock();
        // A lane whose last write has left holds nothing worth keeping; this bounds the map by the writes under way.
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

    fn lock(&self) -> MutexGuard<'_, HashMap<(IndexUid, NodeId), oneshot::Receiver<()>>> {
        // The map is valid after every statement, so a panic elsewhere cannot have left it half changed.
        self.tails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// Waits until the write before this one has left the lane. Cancel safe: may be awaited again.
    pub async fn turn(&mut self) {
        if let Some(before) = self.before.as_mut() {
            // The sender never sends; it is dropped, and that is the signal.
            let _ = before.await;
            self.before = None;
        }
    }
}

impl Drop for Ticket {
    /// A write that gives up before its turn must not let the next one overtake those before it: its place stays
    /// taken until they have left.
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
    async fn a_write_waits_for_the_one_before_it_in_its_lane_only() {
        let (lanes, a, b) = (Lanes::default(), node("a"), node("b"));
        let mut first = lanes.enter(&uid("x"), [&a, &b]);
        let mut second = lanes.enter(&uid("x"), [&a, &b]);
        let mut other = lanes.enter(&uid("y"), [&a]);
        assert!(!waits(first.get_mut(&a).unwrap()).await);
        assert!(!waits(other.get_mut(&a).unwrap()).await, "another index is another lane");
        assert!(waits(second.get_mut(&a).unwrap()).await);
        first.remove(&a);
        assert!(!waits(second.get_mut(&a).unwrap()).await, "the first has left lane a");
        assert!(waits(second.get_mut(&b).unwrap()).await, "and still stands in lane b");
    }

    #[tokio::test]
    async fn a_write_that_gives_up_while_waiting_does_not_overtake() {
        let (lanes, a) = (Lanes::default(), node("a"));
        let first = lanes.enter(&uid("x"), [&a]);
        let second = lanes.enter(&uid("x"), [&a]);
        let mut third = lanes.enter(&uid("x"), [&a]);
        drop(second);
        assert!(waits(third.get_mut(&a).unwrap()).await, "the first is still on its way");
        drop(first);
        assert!(!waits(third.get_mut(&a).unwrap()).await);
    }

    #[tokio::test]
    async fn lanes_nobody_stands_in_are_forgotten() {
        let (lanes, a) = (Lanes::default(), node("a"));
        for number in 0..100 {
            drop(lanes.enter(&uid(&format!("x{number}")), [&a]));
        }
        drop(lanes.enter(&uid("last"), [&a]));
        assert!(lanes.lock().len() <= 1);
    }
}
