//! A request body of documents: parsed once, validated whole, then cut into one part per node without
//! copying.
//!
//! | module | subject |
//! |---|---|
//! | `format` | the formats of a body |
//! | `parsed` | a parsed body: the places of its documents, and their shards |
//! | `reader` | walks over the body, finds every document, adds up the totals of the shards |
//! | `scan` | reads one document: its id, its reserved attributes, the validity of its JSON |
//! | `csv` | turns CSV into NDJSON text before anything else reads it |
//! | `refusal` | the errors of a body, in Meilisearch's words |
//! | `part` | the documents of one node, as NDJSON |
//! | `id` | the ids of a request that deletes documents |

mod csv;
mod format;
mod id;
mod parsed;
mod part;
mod reader;
mod refusal;
mod scan;

pub use format::PayloadFormat;
pub use id::parse_ids;
pub use parsed::Payload;
pub use part::PayloadPart;
pub use refusal::PayloadError;

#[cfg(test)]
mod tests;
