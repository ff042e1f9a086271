//! The window of a listing: the uids that its page may hold.

use std::collections::BTreeSet;

use miroir_domain::task::TaskQuery;

/// The uids of a page and of the task after it, in ascending order, and the number of all matches.
pub(super) struct Found {
    pub(super) uids: BTreeSet<u32>,
    pub(super) total: u64,
}

/// The bounds of a page and its direction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// The lowest uid the page may hold.
    pub(super) low: u32,
    /// The highest uid the page may hold.
    pub(super) high: u32,
    /// True if the oldest come first.
    pub(super) reverse: bool,
    /// The number of uids to find: one more than the page holds, because it begins the next page.
    pub(super) wanted: u64,
}

impl Window {
    pub(super) fn of(query: &TaskQuery) -> Self {
        let from = query.from.map(|uid| uid.0);
        Self {
            low: if query.reverse { from.unwrap_or(0) } else { 0 },
            high: if query.reverse { u32::MAX } else { from.unwrap_or(u32::MAX) },
            reverse: query.reverse,
            wanted: u64::from(query.limit) + 1,
        }
    }

    /// Returns the direction as a word of SQL.
    pub(super) fn direction(self) -> &'static str {
        if self.reverse { "ASC" } else { "DESC" }
    }

    /// Adds `uid` to the best uids found so far. Once enough are found, the window narrows to the worst of
    /// them.
    pub(super) fn offer(&mut self, uids: &mut BTreeSet<u32>, uid: u32) {
        uids.insert(uid);
        if (uids.len() as u64) > self.wanted {
            if self.reverse {
                uids.pop_last()
            } else {
                uids.pop_first()
            };
        }
        if (uids.len() as u64) == self.wanted {
            if self.reverse {
                self.high = uids.last().copied().unwrap_or(self.high);
            } else {
                self.low = uids.first().copied().unwrap_or(self.low);
            }
        }
    }
}
