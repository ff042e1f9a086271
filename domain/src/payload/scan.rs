//! Reading one document: the values at its primary key, its reserved attributes, the validity of its JSON.
//!
//! A node reads the values of a document long after it has acknowledged the write. A number out of range,
//! half a surrogate pair or bottomless nesting would fail the task on the nodes that got the document and on
//! no other. So everything is read here, with `serde_json`'s recursion limit, before any node is called.

use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::document::{DocumentId, is_reserved};
use crate::error::InvalidRequest;
use crate::placement;

/// The content of a document at its primary key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found<'t> {
    /// No value.
    Nothing,
    /// A valid id, hashed for placement, and the JSON text that spells it.
    Id(u64, &'t str),
    /// A value that is not a valid id.
    Invalid(InvalidRequest),
    /// Several values.
    Several,
}

impl Found<'_> {
    /// Combines the findings of two places, in order. The first fault counts, as it does on a node.
    fn then(self, next: Self) -> Self {
        match (self, next) {
            (Self::Nothing, next) => next,
            (Self::Id(..), Self::Id(..)) => Self::Several,
            (Self::Id(..), fault @ (Self::Invalid(_) | Self::Several)) => fault,
            (first, _) => first,
        }
    }
}

/// The result of a scan.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scanned<'t> {
    /// The first reserved attribute at top level.
    pub(super) reserved: Option<String>,
    /// The content at the primary key.
    pub(super) found: Found<'t>,
    /// True if an attribute on the way to the primary key came twice and the last one counts: a node must be
    /// sent the document without the earlier ones.
    pub(super) repeated: bool,
}

/// Scans the JSON object `text`. `path` is the primary key. With `last_wins` the last of equal top-level
/// attributes counts, as in a JSON payload; otherwise each of them counts, as in NDJSON.
pub(super) fn scan<'t>(
    text: &'t str,
    path: Option<&str>,
    last_wins: bool,
) -> Result<Scanned<'t>, serde_json::Error> {
    serde_json::Deserializer::from_str(text).deserialize_map(TopLevel { path, last_wins })
}

struct TopLevel<'p> {
    path: Option<&'p str>,
    last_wins: bool,
}

impl<'de> Visitor<'de> for TopLevel<'_> {
    type Value = Scanned<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scanned<'de>, A::Error> {
        let mut reserved = None;
        let mut repeated = false;
        // The length of the path that each attribute matches, with its finding. Nearly always there is one.
        let mut matches: Vec<(usize, Found<'de>)> = Vec::new();
        while let Some(attribute) = map.next_key_seed(Classify { path: self.path, top_level: true })? {
            match attribute {
                Attribute::Other => _ = map.next_value_seed(Descend { path: None })?,
                Attribute::Reserved(name) => {
                    map.next_value_seed(Descend { path: None })?;
                    reserved.get_or_insert(name);
                }
                Attribute::OnPath { consumed, rest } => {
                    let found = map.next_value_seed(Descend { path: Some(rest) })?;
                    if self.last_wins {
                        let before = matches.len();
                        matches.retain(|(known, _)| *known != consumed);
                        repeated |= matches.len() < before;
                    }
                    matches.push((consumed, found));
                }
            }
        }
        let found = matches.into_iter().map(|(_, found)| found).fold(Found::Nothing, Found::then);
        Ok(Scanned { reserved, found, repeated })
    }
}

/// The relation of an attribute's name to the path.
enum Attribute<'p> {
    Other,
    Reserved(String),
    /// The first `consumed` bytes of the path; `rest` is the remainder after the dot, empty at the end.
    OnPath {
        consumed: usize,
        rest: &'p str,
    },
}

/// Reads an attribute's name. The path `a.b` leads to the attribute `b` in `a`, and to the attribute `a.b`,
/// because Meilisearch flattens documents.
struct Classify<'p> {
    path: Option<&'p str>,
    top_level: bool,
}

impl<'de, 'p> DeserializeSeed<'de> for Classify<'p> {
    type Value = Attribute<'p>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Attribute<'p>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'p> Visitor<'_> for Classify<'p> {
    type Value = Attribute<'p>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of an attribute")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Attribute<'p>, E> {
        if self.top_level && is_reserved(name) {
            return Ok(Attribute::Reserved(name.to_owned()));
        }
        let Some(after) = self.path.filter(|_| !name.is_empty()).and_then(|path| path.strip_prefix(name))
        else {
            return Ok(Attribute::Other);
        };
        let rest = if after.is_empty() { Some(after) } else { after.strip_prefix('.') };
        Ok(rest.map_or(Attribute::Other, |rest| Attribute::OnPath { consumed: name.len(), rest }))
    }
}

/// Reads a whole value. On the `path` it reads ids; elsewhere (`None`) it only checks the JSON.
#[derive(Clone, Copy)]
struct Descend<'p> {
    path: Option<&'p str>,
}

impl<'de> DeserializeSeed<'de> for Descend<'_> {
    type Value = Found<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found<'de>, D::Error> {
        if self.path == Some("") {
            let value = <&RawValue>::deserialize(deserializer)?;
            return read_id(value.get()).map_err(D::Error::custom);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Descend<'_> {
    type Value = Found<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Found<'de>, E> {
        Ok(Found::Nothing)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Found<'de>, E> {
        Ok(Found::Nothing)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Found<'de>, E> {
        Ok(Found::Nothing)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Found<'de>, E> {
        Ok(Found::Nothing)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Found<'de>, E> {
        Ok(Found::Nothing)
    }

    fn visit_unit<E: Error>(self) -> Result<Found<'de>, E> {
        Ok(Found::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Found<'de>, A::Error> {
        // Like a node, this finds no ids inside lists.
        while list.next_element_seed(Self { path: None })?.is_some() {}
        Ok(Found::Nothing)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found<'de>, A::Error> {
        let mut found = Found::Nothing;
        while let Some(attribute) = map.next_key_seed(Classify { path: self.path, top_level: false })? {
            let path = match attribute {
                Attribute::OnPath { rest, .. } => Some(rest),
                Attribute::Other | Attribute::Reserved(_) => None,
            };
            found = found.then(map.next_value_seed(Self { path })?);
        }
        Ok(found)
    }
}

/// Reads an id from JSON text.
fn read_id(json: &str) -> Result<Found<'_>, serde_json::Error> {
    if let Some(plain) = canonical_as_it_stands(json) {
        return Ok(Found::Id(placement::hash_id(plain.as_bytes()), json));
    }
    let value: Value = serde_json::from_str(json)?;
    Ok(match DocumentId::from_json(&value) {
        Ok(id) => Found::Id(placement::hash_id(id.as_str().as_bytes()), json),
        Err(refusal) => Found::Invalid(refusal),
    })
}

/// Returns the canonical id if the JSON text spells it: a string without escapes, or an integer that surely
/// fits. This saves an allocation for nearly every document.
fn canonical_as_it_stands(json: &str) -> Option<&str> {
    if let Some(text) = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')) {
        return DocumentId::is_valid_text(text).then_some(text);
    }
    // Valid JSON has no leading zeros, and any 18 digits fit in 64 bits. `-0` is a float to JSON parsers.
    let digits = json.strip_prefix('-').unwrap_or(json);
    let fits = (1..=18).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    (fits && json != "-0").then_some(json)
}
