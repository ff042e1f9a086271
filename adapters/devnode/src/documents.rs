//! The documents of an index, stored with their words.

use std::collections::HashMap;

use crate::document::Document;
use crate::engine::tokenize::{FieldTokens, tokenize_document};

/// A stored document with its words, cut once when it was written.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    /// The canonical id.
    pub(crate) id: String,
    /// The document itself.
    pub(crate) document: Document,
    /// Its words by attribute path.
    pub(crate) tokens: Vec<FieldTokens>,
}

/// The documents of one index in order of first arrival, found by id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Documents {
    slots: Vec<Option<Stored>>,
    by_id: HashMap<String, usize>,
    fields: Vec<String>,
}

impl Documents {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// In order of first arrival.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Stored> {
        self.slots.iter().flatten()
    }

    /// The document with this canonical id.
    pub(crate) fn get(&self, id: &str) -> Option<&Stored> {
        self.by_id.get(id).and_then(|slot| self.slots[*slot].as_ref())
    }

    /// Attribute paths in order of first appearance, as documents came.
    pub(crate) fn fields(&self) -> &[String] {
        &self.fields
    }

    /// Adds or changes a document; `replace` drops the attributes it had before.
    pub(crate) fn put(&mut self, id: &str, document: Document, replace: bool) {
        let slot = *self.by_id.entry(id.to_owned()).or_insert_with(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        let document = match self.slots[slot].take() {
            Some(mut stored) if !replace => {
                stored.document.merge(document);
                stored.document
            }
            _ => document,
        };
        for (path, _) in document.flattened() {
            if !self.fields.contains(&path) {
                self.fields.push(path);
            }
        }
        let tokens = tokenize_document(&document);
        self.slots[slot] = Some(Stored { id: id.to_owned(), document, tokens });
    }

    /// Removes a document; whether it was there.
    pub(crate) fn remove(&mut self, id: &str) -> bool {
        self.by_id.remove(id).is_some_and(|slot| self.slots[slot].take().is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn put_merges_or_replaces() {
        let mut documents = Documents::default();
        documents.put("1", document(r#"{"id":1,"a":1}"#), true);
        documents.put("1", document(r#"{"id":1,"b":2}"#), false);
        assert_eq!(documents.get("1").unwrap().document, document(r#"{"id":1,"a":1,"b":2}"#));
        documents.put("1", document(r#"{"id":1,"c":3}"#), true);
        assert_eq!(documents.get("1").unwrap().document, document(r#"{"id":1,"c":3}"#));
        assert!(documents.remove("1"));
        assert!(!documents.remove("1"));
        assert_eq!(documents.len(), 0);
    }
}
