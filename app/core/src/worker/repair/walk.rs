//! A walk over the documents of a node while they are written.
//!
//! A node lists documents in an order in which a document keeps its place as long as it exists, but by
//! offset alone: a deletion moves all later documents forward, past a reader of pages. Each page therefore
//! begins with a document of the page before. If it does not, the walk goes back until it does.

use std::collections::HashSet;

use miroir_domain::NodeId;
use miroir_domain::document::DocumentId;

use super::error::RepairError;
use super::listing::{Attributes, Listing, Page};
use crate::cluster::Cluster;
use crate::order::Watch;

/// The number of times that a walk begins again before it is given up.
const BEGINNINGS: u32 = 10;

/// A walk over the documents of one node.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    node: &'a NodeId,
    attributes: Attributes,
    /// The offset of the next page.
    offset: u64,
    /// The documents of the page before.
    before: HashSet<DocumentId>,
    /// The position of the watch before that page was read.
    position: u64,
    is_over: bool,
    beginnings: u32,
}

impl<'a> Walk<'a> {
    pub(super) fn new(node: &'a NodeId, attributes: Attributes) -> Self {
        let before = HashSet::new();
        Self { node, attributes, offset: 0, before, position: 0, is_over: false, beginnings: 0 }
    }

    /// Returns the position of the watch up to which the walk needs no writes any more.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Returns the next page of about `limit` documents, or `None` after the last one. A document may be on
    /// several pages. One that exists from the beginning to the end, and was not written, is on one of them.
    pub(super) async fn next(
        &mut self,
        cluster: &Cluster,
        listing: &Listing,
        watch: &Watch,
        limit: u64,
    ) -> Result<Option<Page>, RepairError> {
        if self.is_over {
            return Ok(None);
        }
        // A quarter of the page before, as often as needed, and at last everything.
        let step = (self.before.len() as u64 / 4).max(1);
        let mut back = u64::from(self.offset > 0);
        loop {
            let offset = self.offset.saturating_sub(back);
            let position = watch.position();
            let (node, limit) = (self.node, limit + back);
            let mut page = listing.page(cluster, node, offset, limit, self.attributes).await?;
            if offset == 0 || self.follows(&page, watch) {
                self.offset = offset + page.documents.len() as u64;
                self.is_over = self.offset >= page.total;
                self.position = position;
                let before = std::mem::replace(&mut self.before, page.ids().into_iter().collect());
                page.documents.retain(|(id, _)| !before.contains(id));
                return Ok(Some(page));
            }
            back += step;
            if back > self.before.len() as u64 {
                self.begin_again()?;
                back = 0;
            }
        }
    }

    /// Returns whether nothing lies between the page before and this one: it begins with a document that was
    /// on the page before and has not changed its place, which one that was written may have.
    fn follows(&self, page: &Page, watch: &Watch) -> bool {
        let Some((first, _)) = page.documents.first() else { return false };
        self.before.contains(first) && !watch.since(self.position).names(first)
    }

    fn begin_again(&mut self) -> Result<(), RepairError> {
        self.beginnings += 1;
        if self.beginnings > BEGINNINGS {
            return Err(RepairError::NotNow(format!(
                "more documents are deleted on node `{}` than can be read in between",
                self.node
            )));
        }
        self.offset = 0;
        Ok(())
    }
}
