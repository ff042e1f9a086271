//! Search: one query becomes one per node, and the responses become one.
//!
//! | module | subject |
//! |---|---|
//! | `parameter`, `query_string`, `request` | a client's parameters, and the request for each node |
//! | `filter`, `retrieve`, `page` | the parts of a request that differ between client and node |
//! | `response`, `hit` | a node's response, read as far as needed |
//! | `rank`, `order`, `distinct` | the order of the hits |
//! | `facet`, `merge` | the rest of the response |
//!
//! `docs/search-fidelity.md` describes where the result equals that of a single server, and where it cannot.

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
