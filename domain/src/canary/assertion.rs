//! The assertions of a canary about a response.

use serde_json::{Value, json};

use super::fields::{Fields, refuse, wrong_type};
use crate::document::DocumentId;
use crate::error::InvalidRequest;
use crate::wording;

/// One assertion. Ids are in canonical form, so that `1` and `"1"` name one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assertion {
    /// The first hit is this document.
    TopHitId {
        /// The document.
        id: DocumentId,
    },
    /// These documents are all among the first hits.
    TopKContains {
        /// The number of first hits, at least 1.
        k: u64,
        /// The documents, at least one, each once.
        ids: Vec<DocumentId>,
    },
    /// This document is not among the hits.
    MustNotContainId {
        /// The document.
        id: DocumentId,
    },
    /// At least this many documents match, by the total of the response.
    MinHits {
        /// The smallest total that passes.
        value: u64,
    },
    /// At most this many documents match, by the total of the response.
    MaxHits {
        /// The largest total that passes.
        value: u64,
    },
    /// The search takes at most this long.
    MaxLatencyMs {
        /// The longest time that passes, in milliseconds, at least 1.
        value: u64,
    },
    /// Of the last runs, 95 of 100 take at most this long.
    MaxP95Ms {
        /// The longest time that passes, in milliseconds, at least 1.
        value: u64,
    },
    /// The settings of the index have this version or a later one.
    SettingsVersionAtLeast {
        /// The earliest version that passes, at least 1.
        value: u64,
    },
    /// The number of documents with a value of a facet is within these bounds.
    FacetCount {
        /// The attribute. The query must count it.
        facet: String,
        /// The value as the response spells it.
        value: String,
        /// The smallest count that passes.
        min: Option<u64>,
        /// The largest count that passes.
        max: Option<u64>,
    },
}

/// Every `type`, in the order of the documentation.
const TYPES: [&str; 9] = [
    "top_hit_id",
    "top_k_contains",
    "must_not_contain_id",
    "min_hits",
    "max_hits",
    "max_latency_ms",
    "max_p95_ms",
    "settings_version_at_least",
    "facet_count",
];

/// The maximum `k` of one assertion: the number of hits that a server returns unless its settings say more.
const MAX_K: u64 = 1_000;

impl Assertion {
    /// Reads `{"type": …, …}`, found at `place`.
    pub(super) fn parse(value: &Value, place: &str) -> Result<Self, InvalidRequest> {
        let fields = Fields::of(value, place)?;
        let kind = fields.text("type")?;
        let only = |known: &[&str]| fields.only(&[&["type"], known].concat());
        match kind {
            "top_hit_id" => {
                only(&["id"])?;
                Ok(Self::TopHitId { id: id(&fields)? })
            }
            "must_not_contain_id" => {
                only(&["id"])?;
                Ok(Self::MustNotContainId { id: id(&fields)? })
            }
            "top_k_contains" => {
                only(&["k", "ids"])?;
                Self::parse_top_k(&fields)
            }
            "facet_count" => {
                only(&["facet", "value", "min", "max"])?;
                Self::parse_facet_count(&fields, place)
            }
            _ => {
                let Some((least, make)) = of_number(kind) else {
                    let shown = wording::excerpt(kind, wording::NAME_CHARS);
                    let expected = wording::expected_one_of(kind, &TYPES);
                    return Err(refuse(&fields.place("type"), format!("unknown type `{shown}`: {expected}")));
                };
                only(&["value"])?;
                Ok(make(fields.number("value", least)?))
            }
        }
    }

    fn parse_top_k(fields: &Fields<'_>) -> Result<Self, InvalidRequest> {
        let k = fields.number("k", 1)?;
        if k > MAX_K {
            return Err(refuse(&fields.place("k"), format!("{k} is too large: it must be at most {MAX_K}")));
        }
        fields.required("ids")?;
        let listed = fields.array("ids")?;
        let place = fields.place("ids");
        if listed.is_empty() {
            return Err(refuse(&place, "it is empty: name at least one document"));
        }
        let mut ids: Vec<DocumentId> = Vec::with_capacity(listed.len());
        for (position, value) in listed.iter().enumerate() {
            let place = format!("{place}[{position}]");
            let id = document_id(value, &place)?;
            if ids.contains(&id) {
                return Err(refuse(&place, format!("`{id}` is listed twice")));
            }
            if ids.len() as u64 >= k {
                return Err(refuse(&fields.place("ids"), format!("it has more ids than {k} hits")));
            }
            ids.push(id);
        }
        Ok(Self::TopKContains { k, ids })
    }

    fn parse_facet_count(fields: &Fields<'_>, place: &str) -> Result<Self, InvalidRequest> {
        let facet = fields.text("facet")?.to_owned();
        let value = match fields.required("value")? {
            Value::String(text) => text.clone(),
            // Responses print the values of a facet as the keys of an object.
            other @ (Value::Number(_) | Value::Bool(_)) => other.to_string(),
            other => return Err(wrong_type(&fields.place("value"), "a string, number or boolean", other)),
        };
        let (min, max) = (fields.optional_number("min")?, fields.optional_number("max")?);
        match (min, max) {
            (None, None) => Err(refuse(place, "it has neither `min` nor `max`")),
            (Some(min), Some(max)) if min > max => {
                Err(refuse(place, format!("no count is at least {min} and at most {max}")))
            }
            _ => Ok(Self::FacetCount { facet, value, min, max }),
        }
    }

    /// Returns the assertion as JSON, as a definition has it.
    pub fn to_json(&self) -> Value {
        match self {
            Self::TopHitId { id } => json!({ "type": "top_hit_id", "id": id.as_str() }),
            Self::TopKContains { k, ids } => {
                let ids: Vec<&str> = ids.iter().map(DocumentId::as_str).collect();
                json!({ "type": "top_k_contains", "k": k, "ids": ids })
            }
            Self::MustNotContainId { id } => json!({ "type": "must_not_contain_id", "id": id.as_str() }),
            Self::MinHits { value } => json!({ "type": "min_hits", "value": value }),
            Self::MaxHits { value } => json!({ "type": "max_hits", "value": value }),
            Self::MaxLatencyMs { value } => json!({ "type": "max_latency_ms", "value": value }),
            Self::MaxP95Ms { value } => json!({ "type": "max_p95_ms", "value": value }),
            Self::SettingsVersionAtLeast { value } => {
                json!({ "type": "settings_version_at_least", "value": value })
            }
            Self::FacetCount { facet, value, min, max } => {
                let mut json = json!({ "type": "facet_count", "facet": facet, "value": value });
                for (name, bound) in [("min", min), ("max", max)] {
                    if let Some(bound) = bound {
                        json[name] = (*bound).into();
                    }
                }
                json
            }
        }
    }
}

/// A function that makes an assertion of its number.
type MakeAssertion = fn(u64) -> Assertion;

/// Returns the smallest number that makes sense, and the constructor, for an assertion that consists of one
/// number.
fn of_number(kind: &str) -> Option<(u64, MakeAssertion)> {
    Some(match kind {
        "min_hits" => (0, |value| Assertion::MinHits { value }),
        "max_hits" => (0, |value| Assertion::MaxHits { value }),
        "max_latency_ms" => (1, |value| Assertion::MaxLatencyMs { value }),
        "max_p95_ms" => (1, |value| Assertion::MaxP95Ms { value }),
        "settings_version_at_least" => (1, |value| Assertion::SettingsVersionAtLeast { value }),
        _ => return None,
    })
}

fn id(fields: &Fields<'_>) -> Result<DocumentId, InvalidRequest> {
    document_id(fields.required("id")?, &fields.place("id"))
}

fn document_id(value: &Value, place: &str) -> Result<DocumentId, InvalidRequest> {
    DocumentId::from_json(value).map_err(|_| {
        refuse(place, format!("expected a document id, but found {}", wording::described(value)))
    })
}
