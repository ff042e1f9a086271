//! One query becomes many, many answers become one.

mod facet;
mod merge;
mod page;
mod rank;
mod request;

pub use merge::{MergeContext, NodeAnswer, merge};
pub use request::{NodeQuery, SearchRequest};
