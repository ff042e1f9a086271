//! Reading documents of a node: by id, and page by page.

use std::collections::{BTreeSet, HashMap};

use miroir_domain::document::{DocumentId, PrimaryKey, shard_filter, shown_id, strip_reserved};
use miroir_domain::{NodeId, PhysicalUid, ShardSet};
use miroir_ports::outbound::NodeRead;
use serde_json::{Map, Value, json};

use super::error::RepairError;
use crate::cluster::Cluster;

/// A document as clients wrote it.
pub(super) type Document = Map<String, Value>;

/// Some documents of one index, on any of its nodes.
#[derive(Debug, Clone)]
pub(super) struct Listing {
    pub index: PhysicalUid,
    pub primary_key: PrimaryKey,
    pub shards: ShardSet,
}

/// The attributes to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attributes {
    /// All of them, with vectors.
    All,
    /// The id alone.
    Id,
}

/// A page of a listing, in the order of the node.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub documents: Vec<(DocumentId, Document)>,
    /// The number of documents of the listing.
    pub total: u64,
    /// The size of the documents of the page, in bytes, about.
    pub bytes: u64,
}

impl Page {
    pub(super) fn ids(&self) -> BTreeSet<DocumentId> {
        self.documents.iter().map(|(id, _)| id.clone()).collect()
    }
}

impl Listing {
    /// Returns the number of documents on `node`.
    pub(super) async fn count(&self, cluster: &Cluster, node: &NodeId) -> Result<u64, RepairError> {
        Ok(self.page(cluster, node, 0, 0, Attributes::Id).await?.total)
    }

    /// Returns a page of the documents on `node`.
    pub(super) async fn page(
        &self,
        cluster: &Cluster,
        node: &NodeId,
        offset: u64,
        limit: u64,
        attributes: Attributes,
    ) -> Result<Page, RepairError> {
        self.read(cluster, node, json!({ "offset": offset, "limit": limit }), attributes).await
    }

    /// Returns those of the documents `ids` that `node` has.
    pub(super) async fn by_ids(
        &self,
        cluster: &Cluster,
        node: &NodeId,
        ids: &BTreeSet<DocumentId>,
        attributes: Attributes,
    ) -> Result<HashMap<DocumentId, Document>, RepairError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let body = json!({ "ids": ids, "limit": ids.len() });
        Ok(self.read(cluster, node, body, attributes).await?.documents.into_iter().collect())
    }

    async fn read(
        &self,
        cluster: &Cluster,
        node: &NodeId,
        mut body: Value,
        attributes: Attributes,
    ) -> Result<Page, RepairError> {
        body["filter"] = Value::String(shard_filter(&self.shards));
        match attributes {
            Attributes::All => body["retrieveVectors"] = Value::Bool(true),
            Attributes::Id => body["fields"] = json!([self.primary_key]),
        }
        let body: Map<String, Value> = body.as_object().cloned().unwrap_or_default();
        let mut response = cluster.nodes.read(node, NodeRead::Documents(self.index.clone(), body)).await?;
        let total = response.get("total").and_then(Value::as_u64);
        let (Some(Value::Array(results)), Some(total)) =
            (response.get_mut("results").map(Value::take), total)
        else {
            return Err(RepairError::NotNow(format!(
                "node `{node}` returned a listing of documents without results"
            )));
        };
        let bytes = results.iter().map(weight).sum();
        let documents = results.into_iter().map(|document| self.cleaned(node, document));
        Ok(Page { documents: documents.collect::<Result<_, _>>()?, total, bytes })
    }

    /// Returns a document with its id, without the attributes that nodes add.
    fn cleaned(&self, node: &NodeId, document: Value) -> Result<(DocumentId, Document), RepairError> {
        let Value::Object(mut document) = document else {
            return Err(RepairError::NotNow(format!(
                "node `{node}` listed a document that is not an object"
            )));
        };
        let Some(id) = shown_id(&document, &self.primary_key) else {
            return Err(RepairError::NotNow(format!(
                "node `{node}` listed a document of index `{}` without its primary key `{}`",
                self.index,
                self.primary_key.as_str()
            )));
        };
        strip_reserved(&mut document);
        // Listed even for documents without vectors, if vectors are requested.
        if document.get("_vectors").and_then(Value::as_object).is_some_and(Map::is_empty) {
            document.shift_remove("_vectors");
        }
        Ok((id, document))
    }
}

/// Returns the size of a value as JSON, about.
fn weight(value: &Value) -> u64 {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 10,
        Value::String(text) => text.len() as u64 + 3,
        Value::Array(values) => values.iter().map(weight).sum::<u64>() + 2,
        Value::Object(members) => {
            members.iter().map(|(name, value)| name.len() as u64 + 4 + weight(value)).sum::<u64>() + 2
        }
    }
}
