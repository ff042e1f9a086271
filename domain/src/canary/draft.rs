//! The draft of a canary, made of a client's search.

use serde_json::{Map, Value, json};
use xxhash_rust::xxh3::xxh3_64;

use super::definition::{Definition, MAX_NAME_CHARS, parse_name};
use super::evaluate::id_of;
use super::fields::{Fields, refuse};
use super::id::CanaryId;
use crate::IndexUid;
use crate::document::{DocumentId, PrimaryKey};
use crate::error::InvalidRequest;
use crate::search::SearchRequest;

/// The maximum `k` of a draft's assertion.
pub const SUGGESTED_HITS: usize = 5;
/// The maximum number of drafts of one capture.
pub const MAX_CAPTURED: u32 = 100;
/// The interval of a draft, in seconds, for when it is enabled.
const INTERVAL_S: u32 = 60;

/// A request to capture searches: the next `count` different searches of `index` become drafts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureRequest {
    /// The index or alias, as clients name it.
    pub index: IndexUid,
    /// The number of drafts, 1 to [`MAX_CAPTURED`].
    pub count: u32,
    /// The prefix of the drafts' names.
    pub name: Option<String>,
}

impl CaptureRequest {
    /// Reads `{index, count, name?}`.
    pub fn parse(value: &Value) -> Result<Self, InvalidRequest> {
        let fields = Fields::of(value, "")?;
        fields.only(&["index", "count", "name"])?;
        let index = fields.text("index")?.parse().map_err(|error| refuse(".index", format!("{error}")))?;
        let count = fields.number("count", 1)?;
        let bounded = u32::try_from(count).ok().filter(|count| *count <= MAX_CAPTURED);
        let count = bounded.ok_or_else(|| {
            refuse(".count", format!("{count} is too large: it must be at most {MAX_CAPTURED}"))
        })?;
        let name = fields.get("name").map(|_| parse_name(fields.text("name")?)).transpose()?;
        Ok(Self { index, count, name })
    }
}

/// Returns a draft of a search and the first hits of its response: a disabled canary for a person to review
/// and enable. Its only assertion is that the first hits stay where they are; it has none if the hits do not
/// show their ids. The id follows from index and query, so a search that is captured twice makes one draft.
pub fn draft(
    index: &IndexUid,
    request: &SearchRequest,
    hits: &[Value],
    primary_key: Option<&PrimaryKey>,
    name: Option<&str>,
) -> Result<(CanaryId, Definition), InvalidRequest> {
    let id = CanaryId::of_name(&format!("capture-{:016x}", query_hash(index, request)))?;
    let first: Option<Vec<DocumentId>> =
        hits.iter().take(SUGGESTED_HITS).map(|hit| id_of(hit, primary_key)).collect();
    let mut ids: Vec<String> = first.unwrap_or_default().iter().map(ToString::to_string).collect();
    ids.dedup();
    let assertions = if ids.is_empty() {
        json!([])
    } else {
        json!([{ "type": "top_k_contains", "k": ids.len(), "ids": ids }])
    };
    let definition = Definition::parse(&json!({
        "name": draft_name(request, name), "index": index, "intervalSeconds": INTERVAL_S,
        "query": request.body(), "assertions": assertions, "enabled": false,
    }))?;
    Ok((id, definition))
}

fn draft_name(request: &SearchRequest, name: Option<&str>) -> String {
    let query = request.body().get("q").and_then(Value::as_str).unwrap_or_default();
    let whole = format!("{}: {query}", name.unwrap_or("captured search"));
    let printable = whole.chars().map(|character| if character.is_control() { ' ' } else { character });
    let cut: String = printable.take(MAX_NAME_CHARS).collect();
    cut.trim_end_matches([' ', ':']).to_owned()
}

/// Returns a hash that identifies a search of an index, independent of the order of its parameters.
pub fn query_hash(index: &IndexUid, request: &SearchRequest) -> u64 {
    let canonical = json!([index, canonical(request.body())]);
    xxh3_64(canonical.to_string().as_bytes())
}

fn canonical(map: &Map<String, Value>) -> Value {
    let mut sorted: Vec<(&String, &Value)> = map.iter().collect();
    sorted.sort_by_key(|(key, _)| *key);
    let value = |value: &Value| value.as_object().map_or_else(|| value.clone(), canonical);
    Value::Object(sorted.into_iter().map(|(key, inner)| (key.clone(), value(inner))).collect())
}
