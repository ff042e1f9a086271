//! Attributes that belong to Miroir: added on the way to a node, removed on the way to a client.

/// The shard number, an integer attribute of every document on a node.
pub const SHARD_FIELD: &str = "_miroir_shard";

/// Whether a top-level attribute name belongs to Miroir.
pub fn is_reserved(attribute: &str) -> bool {
    attribute == SHARD_FIELD
}

/// Removes reserved attributes from one document, its `_formatted` and its `_matchesPosition`.
pub fn strip_reserved(document: &mut serde_json::Map<String, serde_json::Value>) {
    let _ = document;
    unimplemented!()
}

/// Removes reserved names from the attribute lists that nodes print in error messages.
pub fn strip_reserved_from_message(message: &str) -> String {
    let _ = message;
    unimplemented!()
}
