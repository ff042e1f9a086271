//! The size of an index, from the counts of its nodes.
//!
//! A node counts every document it holds, so each document is counted once per copy. With `d` documents in
//! the index and `n` counted by the nodes that responded, a count `c` of theirs is `c * d / n` of the index:
//! exactly, if all nodes responded and are in sync; else this is the best estimate.

use serde_json::{Map, Value, json};

use crate::document::is_reserved;

const DOCUMENTS: &str = "numberOfDocuments";
const INDEXING: &str = "isIndexing";
const FIELDS: &str = "fieldDistribution";

/// The stats of one index, `{numberOfDocuments, rawDocumentDbSize, avgDocumentSize, isIndexing,
/// numberOfEmbeddings, numberOfEmbeddedDocuments, fieldDistribution}`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndexStats {
    documents: u64,
    bytes: u64,
    embeddings: u64,
    embedded_documents: u64,
    is_indexing: bool,
    /// The number of documents with each attribute, in the order of the attributes' names.
    fields: std::collections::BTreeMap<String, u64>,
}

impl IndexStats {
    /// Reads the response of one node to `GET /indexes/{uid}/stats`. Missing numbers count as zero.
    pub fn of_node(response: &Value) -> Self {
        let number = |name: &str| response.get(name).and_then(Value::as_u64).unwrap_or(0);
        let fields = response.get(FIELDS).and_then(Value::as_object).into_iter().flatten();
        Self {
            documents: number(DOCUMENTS),
            bytes: number("rawDocumentDbSize"),
            embeddings: number("numberOfEmbeddings"),
            embedded_documents: number("numberOfEmbeddedDocuments"),
            is_indexing: response.get(INDEXING) == Some(&Value::Bool(true)),
            fields: fields
                .filter(|(name, _)| !is_reserved(name))
                .filter_map(|(name, count)| Some((name.clone(), count.as_u64()?)))
                .collect(),
        }
    }

    /// Returns the sum of both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.documents += other.documents;
        self.bytes += other.bytes;
        self.embeddings += other.embeddings;
        self.embedded_documents += other.embedded_documents;
        self.is_indexing |= other.is_indexing;
        for (name, count) in other.fields {
            *self.fields.entry(name).or_default() += count;
        }
        self
    }

    /// Scales the counts, which are of copies, to an index of `documents` documents.
    #[must_use]
    pub fn scaled_to(self, documents: u64) -> Self {
        let copies = u128::from(self.documents);
        let scale = |count: u64| {
            let scaled = (u128::from(count) * u128::from(documents) + copies / 2).checked_div(copies);
            scaled.map_or(0, |scaled| u64::try_from(scaled).unwrap_or(u64::MAX))
        };
        let fields = self.fields.into_iter().map(|(name, count)| (name, scale(count)));
        Self {
            documents,
            bytes: scale(self.bytes),
            embeddings: scale(self.embeddings),
            embedded_documents: scale(self.embedded_documents),
            is_indexing: self.is_indexing,
            fields: fields.filter(|(_, count)| *count > 0).collect(),
        }
    }

    /// Returns the stats as a server writes them.
    pub fn to_json(&self) -> Value {
        let fields: Map<String, Value> =
            self.fields.iter().map(|(name, count)| (name.clone(), Value::from(*count))).collect();
        json!({
            DOCUMENTS: self.documents,
            "rawDocumentDbSize": self.bytes,
            "avgDocumentSize": self.bytes.checked_div(self.documents).unwrap_or(0),
            INDEXING: self.is_indexing,
            "numberOfEmbeddings": self.embeddings,
            "numberOfEmbeddedDocuments": self.embedded_documents,
            FIELDS: fields,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(documents: u64, title: u64, indexing: bool) -> IndexStats {
        IndexStats::of_node(&json!({
            "numberOfDocuments": documents, "rawDocumentDbSize": documents * 10, "isIndexing": indexing,
            "fieldDistribution": { "id": documents, "title": title, "_miroir_shard": documents },
        }))
    }

    #[test]
    fn copies_are_counted_once_and_reserved_attributes_not_at_all() {
        let all = [node(4, 2, false), node(3, 1, true), node(5, 3, false)];
        let stats = all.into_iter().reduce(IndexStats::and).unwrap().scaled_to(6).to_json();
        let expected = json!({
            "numberOfDocuments": 6, "rawDocumentDbSize": 60, "avgDocumentSize": 10, "isIndexing": true,
            "numberOfEmbeddings": 0, "numberOfEmbeddedDocuments": 0, "fieldDistribution": { "id": 6, "title": 3 },
        });
        assert_eq!(stats, expected);
    }

    #[test]
    fn empty_index_and_empty_response_have_no_documents() {
        for stats in [node(0, 0, false), IndexStats::of_node(&json!(null)), IndexStats::of_node(&json!([1]))]
        {
            assert_eq!(stats.scaled_to(0).to_json()["numberOfDocuments"], 0);
        }
        assert_eq!(
            node(u64::MAX / 20, u64::MAX / 20, false).scaled_to(7).to_json()["fieldDistribution"]["title"],
            7
        );
    }
}
