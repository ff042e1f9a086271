//! The documents of an index, stored with their words.

use std::collections::{BTreeSet, HashMap};

use crate::document::Document;
use crate::tokenize::{FieldTokens, tokenize_document};

/// A stored document with its words, which are computed once.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    /// The canonical id.
    pub(crate) id: String,
    /// The document itself.
    pub(crate) document: Document,
    /// Its words by attribute path.
    pub(crate) tokens: Vec<FieldTokens>,
}

/// The documents of one index in order of first arrival, with access by id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Documents {
    slots: Vec<Option<Stored>>,
    by_id: HashMap<String, usize>,
    fields: Vec<String>,
}

impl Documents {
    /// Returns the number of documents.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Returns the documents in order of first arrival.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Stored> {
        self.slots.iter().flatten()
    }

    /// Returns the document with this canonical id.
    pub(crate) fn get(&self, id: &str) -> Option<&Stored> {
        self.by_id.get(id).and_then(|slot| self.slots[*slot].as_ref())
    }

    /// Returns those of the documents with these canonical ids that exist, in order of first arrival.
    pub(crate) fn of<'a>(&'a self, ids: &[String]) -> impl Iterator<Item = &'a Stored> {
        let slots: BTreeSet<usize> = ids.iter().filter_map(|id| self.by_id.get(id).copied()).collect();
        slots.into_iter().filter_map(|slot| self.slots[slot].as_ref())
    }

    /// Returns the attribute paths in order of first appearance.
    pub(crate) fn fields(&self) -> &[String] {
        &self.fields
    }

    /// Adds or changes a document. With `replace` the former attributes are dropped.
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

    /// Removes a document. Returns whether it existed.
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
