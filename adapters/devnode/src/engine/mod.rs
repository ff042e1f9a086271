//! The search engine: words, filters, ranking, facets. Linear scans over one index.

pub(crate) mod facet;
pub(crate) mod filter;
pub(crate) mod highlight;
pub(crate) mod query;
pub(crate) mod rank;
pub(crate) mod score;
pub(crate) mod search;
pub(crate) mod select;
pub(crate) mod sort;
pub(crate) mod typo;
