//! The primary key of an index.

use serde::{Deserialize, Serialize};

use crate::document::is_reserved;
use crate::error::{ErrorCode, InvalidRequest};

/// The name of the attribute that holds a document's id; `a.b` reaches into a nested object. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PrimaryKey(String);

impl PrimaryKey {
    /// Parses the name that a client gives.
    pub fn parse(name: &str) -> Result<Self, InvalidRequest> {
        if name.is_empty() {
            return Err(InvalidRequest::new(
                ErrorCode::InvalidIndexPrimaryKey,
                "`primaryKey` is empty: name the attribute that holds the id of a document, or leave it out",
            ));
        }
        if is_reserved(name) {
            return Err(InvalidRequest::new(
                ErrorCode::MiroirReservedField,
                format!("`{name}` cannot be the primary key: the attribute is reserved for Miroir"),
            ));
        }
        Ok(Self(name.to_owned()))
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PrimaryKey {
    type Error = InvalidRequest;
    fn try_from(name: String) -> Result<Self, InvalidRequest> {
        Self::parse(&name)
    }
}

impl From<PrimaryKey> for String {
    fn from(key: PrimaryKey) -> Self {
        key.0
    }
}

/// Infers the primary key from the attribute names of the first document as Meilisearch does: the only
/// top-level attribute whose lower-cased name ends with `id`. A name that comes twice is one attribute. No
/// candidate, or several, is an error with Meilisearch's code and words.
pub fn infer_primary_key<'a>(
    attributes: impl Iterator<Item = &'a str>,
) -> Result<PrimaryKey, InvalidRequest> {
    let mut candidates: Vec<&str> =
        attributes.filter(|attribute| attribute.to_lowercase().ends_with("id")).collect();
    candidates.sort_unstable();
    candidates.dedup();
    match candidates[..] {
        [only] => PrimaryKey::parse(only),
        [] => Err(InvalidRequest::new(
            ErrorCode::IndexPrimaryKeyNoCandidateFound,
            "The primary key inference failed as the engine did not find any field ending with `id` in its name. Please specify the primary key manually using the `primaryKey` query parameter.",
        )),
        [first, second, ..] => Err(InvalidRequest::new(
            ErrorCode::IndexPrimaryKeyMultipleCandidatesFound,
            format!(
                "The primary key inference failed as the engine found {} fields ending with `id` in their names: '{first}' and '{second}'. Please specify the primary key manually using the `primaryKey` query parameter.",
                candidates.len()
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn infer(attributes: &[&str]) -> Result<PrimaryKey, InvalidRequest> {
        infer_primary_key(attributes.iter().copied())
    }

    #[test]
    fn infer_finds_the_one_attribute_that_ends_in_id() {
        for (attributes, key) in [
            (&["title", "id"][..], "id"),
            (&["movieId", "title"], "movieId"),
            (&["ID", "idea"], "ID"),
            (&["candid"], "candid"),
            (&["id", "id"], "id"),
        ] {
            assert_eq!(infer(attributes).unwrap().as_str(), key, "{attributes:?}");
        }
    }

    #[test]
    fn infer_fails_without_a_candidate() {
        for attributes in [&[][..], &["title"], &["idea", "ids"]] {
            let error = infer(attributes).unwrap_err();
            assert_eq!(error.code.as_str(), "index_primary_key_no_candidate_found");
            assert!(error.message.contains("did not find any field ending with `id`"));
        }
    }

    #[test]
    fn infer_fails_with_several_candidates_and_names_two() {
        let error = infer(&["b_id", "a_Id", "c_id"]).unwrap_err();
        assert_eq!(error.code.as_str(), "index_primary_key_multiple_candidates_found");
        assert!(error.message.contains("found 3 fields ending with `id` in their names: 'a_Id' and 'b_id'."));
    }

    #[test]
    fn parse_refuses_empty_and_reserved_names() {
        assert_eq!(PrimaryKey::parse("a.b").unwrap().as_str(), "a.b");
        assert_eq!(PrimaryKey::parse("").unwrap_err().code, ErrorCode::InvalidIndexPrimaryKey);
        assert_eq!(PrimaryKey::parse("_miroir_shard").unwrap_err().code, ErrorCode::MiroirReservedField);
        assert!(serde_json::from_str::<PrimaryKey>("\"\"").is_err());
        let key: PrimaryKey = serde_json::from_str("\"sku\"").unwrap();
        assert_eq!(serde_json::to_string(&key).unwrap(), "\"sku\"");
    }
}
