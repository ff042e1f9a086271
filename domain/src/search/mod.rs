//! One query becomes many, many answers become one.
//!
//! | module | what it decides |
//! |---|---|
//! | `parameter`, `query_string`, `request` | what a client may ask, and what each node is asked for it |
//! | `filter`, `retrieve`, `page` | the parts of a request that differ between client and node |
//! | `response`, `hit` | a node's response, read as far as needed |
//! | `rank`, `order`, `distinct` | the order of the hits |
//! | `facet`, `merge` | the rest of the answer |
//!
//! What of this equals a single server exactly, and what cannot, is told in `docs/search-fidelity.md`.

mod distinct;
mod facet;
mod filter;
mod hit;
mod merge;
mod order;
mod page;
mod parameter;
pub(crate) mod path;
mod query_string;
mod rank;
mod request;
mod response;
mod retrieve;

pub use filter::with_shards;
pub use merge::{InvalidResponse, MergeContext, NodeResponse, merge};
pub use request::{NodeQuery, SearchRequest};
pub use response::SearchResponse;
