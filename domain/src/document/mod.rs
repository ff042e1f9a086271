//! Documents: objects with an id, and attributes that belong to Miroir alone.

mod equality;
mod id;
mod primary_key;
mod reserved;
mod shard_field;

pub use equality::{same_document, shown_id};
pub use id::DocumentId;
pub use primary_key::{PrimaryKey, infer_primary_key};
pub use reserved::{SHARD_FIELD, is_reserved, strip_reserved, strip_reserved_from_message};
pub use shard_field::{SHARD_DIGITS, foreign_filter, shard_filter, shard_value};
