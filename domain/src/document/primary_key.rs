//! The attribute that names a document.

use serde::{Deserialize, Serialize};

use crate::error::InvalidRequest;

/// The name of the attribute that holds a document's id; `a.b` reaches into a nested object. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PrimaryKey(String);

impl PrimaryKey {
    /// Parses a name given by a client.
    pub fn parse(name: &str) -> Result<Self, InvalidRequest> {
        let _ = name;
        unimplemented!()
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Infers the primary key from the attribute names of the first document as Meilisearch does: the one top-level
/// attribute whose lower-cased name ends with `id`. None or several is an error in Meilisearch's code and words.
pub fn infer_primary_key<'a>(
    attributes: impl Iterator<Item = &'a str>,
    index: &crate::IndexUid,
) -> Result<PrimaryKey, InvalidRequest> {
    let _ = (attributes.count(), index);
    unimplemented!()
}
